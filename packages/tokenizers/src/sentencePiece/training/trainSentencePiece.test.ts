import { readFileSync } from 'node:fs'
import { gunzipSync } from 'node:zlib'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { TokenizerError } from '../../errors.js'
import { readModelFile, writeModelFile } from '../modelFile.js'
import { SentencePieceModel } from '../sentencePieceModel.js'
import { nemoVocabulary, vocabText } from '../vocabularyText.js'
import { type SentencePieceTrainingOptions, trainSentencePiece } from './trainSentencePiece.js'

interface Fixture {
  readonly lines: readonly string[]
  readonly sentencePiece: Readonly<Record<string, string>>
}

// Expected vocabularies: tools/reference/tokenizerTrainingFixtures.py.
const { lines, sentencePiece } = JSON.parse(
  gunzipSync(readFileSync(new URL('../../../test/fixtures/training.json.gz', import.meta.url))).toString(),
) as Fixture

const special = { bos: true, eos: true, pad: true }
const cases: Readonly<Record<string, SentencePieceTrainingOptions>> = {
  bpe: { modelType: 'bpe', vocabSize: 128 },
  'bpe-folded': { modelType: 'bpe', vocabSize: 600, normalizationRule: 'nmt_nfkc_cf' },
  'bpe-short': { modelType: 'bpe', vocabSize: 300, maxSentencePieceLength: 4, ...special },
  'bpe-bytes': {
    modelType: 'bpe',
    vocabSize: 420,
    characterCoverage: 0.98,
    byteFallback: true,
    userDefinedSymbols: ['<sep>', 'th'],
  },
  char: { modelType: 'char', vocabSize: 200 },
  'char-few': { modelType: 'char', vocabSize: 40, characterCoverage: 0.99 },
  word: { modelType: 'word', vocabSize: 300, characterCoverage: 0.99 },
}

describe('a trained model', () => {
  it.each(Object.keys(cases))('%s has the pieces and scores of SentencePiece, to the letter', async (name) => {
    const { file } = await trainSentencePiece(lines, cases[name]!)
    expect(vocabText(file.pieces)).toBe(sentencePiece[name])
  })

  it.each([
    ['unigram', { modelType: 'unigram', vocabSize: 160 }],
    [
      'unigram-symbols',
      {
        modelType: 'unigram',
        vocabSize: 300,
        characterCoverage: 0.99,
        bos: true,
        eos: true,
        userDefinedSymbols: ['the'],
      },
    ],
  ] as const)('%s has the pieces of SentencePiece and its scores to single precision', async (name, options) => {
    const { file } = await trainSentencePiece(lines, options)
    const expected = new Map(
      sentencePiece[name]!.split('\n')
        .slice(0, -1)
        .map((line) => line.split('\t') as [string, string]),
    )
    expect(new Set(file.pieces.map(({ piece }) => piece))).toEqual(new Set(expected.keys()))
    for (const { piece, score } of file.pieces) expect(score, piece).toBeCloseTo(Number(expected.get(piece)), 4)
  })

  it('is read back from its file, and cuts text into its pieces', async () => {
    const { file, sentences, skipped } = await trainSentencePiece(lines, { vocabSize: 200, ...special })
    const bytes = writeModelFile(file)
    expect(readModelFile(bytes)).toEqual(file)
    const model = SentencePieceModel.read(bytes)
    expect([model.modelType, model.vocabSize, model.unkId, model.bosId, model.eosId, model.padId]).toEqual([
      'bpe',
      200,
      0,
      1,
      2,
      3,
    ])
    expect([sentences, skipped]).toEqual([lines.filter((line) => line.trim() !== '').length, 0])
    for (const line of lines.slice(0, 50))
      expect(model.decode(model.encode(line))).toBe(model.normalize(line).slice(1).replaceAll('▁', ' '))
  })

  it('learns from a sample that the seed decides', async () => {
    const train = async (seed: number) =>
      vocabText(
        (await trainSentencePiece(lines, { vocabSize: 150, inputSentenceSize: 60, seed, characterCoverage: 0.99 })).file
          .pieces,
      )
    expect(await train(1)).toBe(await train(1))
    expect(await train(1)).not.toBe(await train(2))
  })

  it('has NeMo’s vocab.txt without special pieces', async () => {
    const { file } = await trainSentencePiece(['ab ab ab', 'ab cd'], { vocabSize: 9, bos: true })
    expect(file.pieces.map(({ piece }) => piece)).toEqual(['<unk>', '<s>', 'ab', '▁ab', '▁', 'a', 'b', 'c', 'd'])
    expect(nemoVocabulary(file.pieces)).toEqual(['##ab', 'ab', '▁', '##a', '##b', '##c', '##d'])
  })
})

it('leaves out sentences that SentencePiece leaves out', async () => {
  const { sentences, skipped } = await trainSentencePiece(['a b', 'x'.repeat(5000), 'a \u2585', ''], {
    vocabSize: 8,
    modelType: 'char',
  })
  expect([sentences, skipped]).toEqual([1, 2])
})

it('any text can be learnt from, and every sentence of it is covered', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.string({ unit: 'grapheme', maxLength: 20 }), { minLength: 1, maxLength: 8 }),
      fc.constantFrom('bpe' as const, 'unigram' as const),
      async (texts, modelType) => {
        const training = trainSentencePiece(texts, { vocabSize: 200, modelType })
        if (texts.every((text) => text.trim() === '')) return
        const trained = await training.catch((error: unknown) => {
          // Nothing but spaces and control characters.
          expect(error).toBeInstanceOf(TokenizerError)
          return undefined
        })
        if (trained === undefined) return
        const model = SentencePieceModel.read(writeModelFile(trained.file))
        for (const text of texts) expect(model.encode(text)).not.toContain(model.unkId)
      },
    ),
    { seed: 7, numRuns: 40 },
  )
})

it('names options that cannot be', async () => {
  await expect(trainSentencePiece(['abc'], { vocabSize: 3 })).rejects.toThrow(
    /vocabSize: expected at least 5 \(4 characters and 1 special pieces\), found 3/,
  )
  await expect(trainSentencePiece(['', ' '], { vocabSize: 30 })).rejects.toThrow(/no sentence to learn from/)
  await expect(trainSentencePiece(['a'], { vocabSize: 30, characterCoverage: 2 })).rejects.toThrow(/characterCoverage/)
  await expect(trainSentencePiece(['a'], { vocabSize: 30, userDefinedSymbols: ['x', 'x'] })).rejects.toThrow(
    /expected each once and none empty, found "x"/,
  )
})
