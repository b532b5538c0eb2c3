import { readdir, readFile, writeFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { SentencePieceTokenizer, WordPieceTokenizer } from '@nemo/tokenizers'
import { describe, expect, it } from 'vitest'
import { scratchFolder } from '../../test/tinyRecogniser.js'
import { buildTokenizer } from './buildTokenizer.js'
import { SubwordVocabulary, type SubwordVocabularyFiles } from './subwordVocabulary.js'

const folder = await scratchFolder()
const texts = ['the cat sat', 'The cats are at the hat', 'a hat that sat']
const row = (text: string) => `${JSON.stringify({ audio_filepath: 'a.wav', duration: 1, text })}\n`
const manifests = [join(folder, 'one.json'), join(folder, 'two.json')]
await writeFile(manifests[0]!, row(texts[0]!))
await writeFile(manifests[1]!, row(texts[1]!) + row(texts[2]!))
const data_root = join(folder, 'tokenizers')

describe('buildTokenizer', () => {
  it('lays out a SentencePiece tokenizer of several manifests as NeMo does', async () => {
    const manifest = manifests.join(',')
    const dir = await buildTokenizer({ manifest, data_root, vocab_size: 24, tokenizer: 'spe' })
    expect(basename(dir)).toBe('tokenizer_spe_bpe_v24')
    expect((await readdir(dir)).sort()).toEqual(['tokenizer.model', 'tokenizer.vocab', 'vocab.txt'])
    const tokenizer = new SentencePieceTokenizer(await readFile(join(dir, 'tokenizer.model')))
    expect(tokenizer.vocabSize).toBe(24)
    expect(tokenizer.idsToText(tokenizer.textToIds('THE HAT'))).toBe('the hat')
    const vocabulary = (await readFile(join(dir, 'vocab.txt'), 'utf8')).trim().split('\n')
    expect(vocabulary).toHaveLength(23)
    expect(vocabulary).toContain('the')
    expect(vocabulary).toContain('##at')
    expect((await readFile(join(dir, 'tokenizer.vocab'), 'utf8')).split('\n')[0]).toBe('<unk>\t0')
  })

  it('lays out a WordPiece tokenizer of text files', async () => {
    const data_file = join(folder, 'text.txt')
    await writeFile(data_file, texts.join('\r\n'))
    const dir = await buildTokenizer({ data_file: [data_file], data_root, vocab_size: 40 })
    expect([basename(dir), await readdir(dir)]).toEqual(['tokenizer_wpe_v40', ['vocab.txt']])
    const tokenizer = new WordPieceTokenizer((await readFile(join(dir, 'vocab.txt'), 'utf8')).trim().split('\n'))
    expect(tokenizer.idsToText(tokenizer.textToIds('that cat'))).toBe('that cat')
  })

  it('names a folder after the longest piece, and keeps to it', async () => {
    const options = { manifest: manifests, data_root, vocab_size: 30, tokenizer: 'spe', spe_type: 'unigram' } as const
    const dir = await buildTokenizer({ ...options, spe_max_sentencepiece_length: 3, lower_case: false })
    expect(basename(dir)).toBe('tokenizer_spe_unigram_v30_max3')
    const pieces = (await readFile(join(dir, 'tokenizer.vocab'), 'utf8'))
      .split('\n')
      .map((line) => line.split('\t')[0]!)
    expect(pieces.filter((piece) => piece !== '<unk>' && [...piece].length > 3)).toEqual([])
    expect(pieces).toContain('T')
  })

  it('says which texts are not there', async () => {
    const bad = join(folder, 'bad.json')
    await writeFile(bad, `${row('a')}${JSON.stringify({ audio_filepath: 'a.wav', duration: 1 })}\n`)
    const build = (given: object) => buildTokenizer({ data_root, vocab_size: 30, ...given })
    await expect(build({ manifest: bad })).rejects.toThrow(/bad\.json:2/)
    await expect(build({ data_file: join(folder, 'none.txt') })).rejects.toThrow(/none\.txt cannot be read/)
    await expect(build({})).rejects.toThrow(/either manifest or data_file; found neither/)
    await expect(build({ manifest: bad, data_file: bad })).rejects.toThrow(/found both/)
  })
})

describe('SubwordVocabulary', () => {
  const read = async (options: object): Promise<SubwordVocabularyFiles> => {
    const dir = await buildTokenizer({
      manifest: manifests,
      data_root: join(folder, 'more'),
      vocab_size: 24,
      ...options,
    })
    const model = await readFile(join(dir, 'tokenizer.model')).catch(() => null)
    const vocabulary = await readFile(join(dir, 'vocab.txt'))
    return { type: model ? 'bpe' : 'wpe', model, vocabulary, specialTokens: [], tokens: {}, classes: null }
  }
  const encode = (vocabulary: SubwordVocabulary, text: string, startEnd: boolean) =>
    vocabulary.transcripts({ startEnd, unknown: 'error' }).encode(text).ids

  it('has NeMo’s labels, pieces with spaces, and the symbols of other decoders', async () => {
    const vocabulary = new SubwordVocabulary(await read({ tokenizer: 'spe' }))
    const ids = encode(vocabulary, 'the cats', true)
    expect(ids.map((id) => vocabulary.pieceOf(id)).join('')).toBe(' the cats')
    expect(vocabulary.labels[0]).toBe('<unk>')
    expect(vocabulary.labels).toHaveLength(24)
    expect(vocabulary.symbols[ids[0]!]).toBe('\u2581the')
    expect(vocabulary.labels[ids[0]!]).toBe('the')
  })

  it('counts special pieces unless a saved model does not', async () => {
    const files = await read({ tokenizer: 'spe', spe_bos: true, spe_eos: true })
    expect(new SubwordVocabulary(files).labels.slice(0, 3)).toEqual(['<unk>', '<s>', '</s>'])
    expect(new SubwordVocabulary({ ...files, classes: 22 }).labels).toHaveLength(22)
    expect(() => new SubwordVocabulary({ ...files, classes: 12 })).toThrow(/24 sub-words, the decoder 12 classes/)
  })

  it('puts WordPiece’s tokens for start and end around transcripts, if asked to, and leaves them out of texts', async () => {
    const vocabulary = new SubwordVocabulary(await read({ tokenizer: 'wpe', vocab_size: 40 }))
    const ids = encode(vocabulary, 'the cat', true)
    expect([vocabulary.labels[ids[0]!], vocabulary.labels[ids.at(-1)!]]).toEqual(['[CLS]', '[SEP]'])
    expect(vocabulary.idsToText(ids)).toBe('the cat')
    expect(encode(vocabulary, 'the cat', false)).toEqual(ids.slice(1, -1))
    expect(
      ids
        .slice(1, -1)
        .map((id) => vocabulary.pieceOf(id))
        .join(''),
    ).toBe(' the cat')
    expect(() => encode(vocabulary, 'dog', false)).toThrow(/outside the tokenizer's/)
  })
})
