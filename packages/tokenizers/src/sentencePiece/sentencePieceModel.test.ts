import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { encodings, modelBytes } from '../../test/sentencePieceFixtures.js'
import { TokenizerError } from '../errors.js'
import { SentencePieceModel } from './sentencePieceModel.js'

const models = new Map<string, SentencePieceModel>()
function modelOf(name: string): SentencePieceModel {
  const model = models.get(name) ?? SentencePieceModel.read(modelBytes(name), name)
  models.set(name, model)
  return model
}

// Expected values: tools/reference/tokenizerFixtures.py.
describe('models of NeMo recipes', () => {
  it.each(Object.keys(encodings.goldens))('%s encodes and decodes as SentencePiece', (name) => {
    const model = modelOf(name)
    const want = encodings.goldens[name]!
    for (const [i, sentence] of encodings.sentences.entries()) {
      const pieces = want.pieces[i] === '' ? [] : want.pieces[i]!.split('\u0001')
      expect(model.encode(sentence), sentence).toEqual(want.ids[i])
      expect(model.encodePieces(sentence), sentence).toEqual(pieces)
      expect(model.decode(want.ids[i]!).trim(), sentence).toBe(want.ids_to_text[i])
      expect(model.decodePieces(pieces), sentence).toBe(want.pieces_to_text[i])
    }
  })

  it('knows its special ids, -1 for those that it lacks', () => {
    const { unkId, bosId, eosId, padId, vocabSize } = modelOf('unigram160-bos-eos-pad')
    expect({ unkId, bosId, eosId, padId, vocabSize }).toEqual({
      unkId: 0,
      bosId: 1,
      eosId: 2,
      padId: 3,
      vocabSize: 160,
    })
    const bpe = modelOf('bpe128')
    expect([bpe.modelType, bpe.unkId, bpe.bosId, bpe.eosId, bpe.padId]).toEqual(['bpe', 0, -1, -1, -1])
  })

  it('normalises by its rules', () => {
    expect(modelOf('bpe128').normalize('ﬁne ｆｕｌｌ  ½\u200bÅ\u0007 ')).toBe('▁fine▁full▁1⁄2▁Å')
    expect(modelOf('char').normalize('UPPER ẞ İ')).toBe('▁upper▁ß▁İ')
    expect(modelOf('identity').normalize(' ﬁ  a')).toBe('▁▁ﬁ▁▁a')
  })
})

describe('byte fallback, user-defined symbols, suffixes, words, unused pieces', () => {
  it.each(Object.keys(encodings.trained))('%s encodes and decodes as SentencePiece', (name) => {
    const model = modelOf(name)
    for (const row of encodings.trained[name]!) {
      expect(model.encode(row.text), row.text).toEqual(row.ids)
      expect(model.encodePieces(row.text), row.text).toEqual(row.pieces)
      expect(model.decode(row.ids), row.text).toBe(row.decoded)
      expect(model.decode(row.random_ids[0])).toBe(row.random_ids[1])
      expect(model.decodePieces(row.random_pieces[0])).toBe(row.random_pieces[1])
    }
  })

  it('byte fallback spells characters without a piece in UTF-8', () => {
    const model = modelOf('bpe-bytes')
    expect(model.encodePieces('ЖЖ')).toEqual(['▁', '<0xD0>', '<0x96>', '<0xD0>', '<0x96>'])
    expect(model.decode(model.encode('ЖЖ'))).toBe('ЖЖ')
  })

  it('bytes that are no UTF-8 read U+FFFD each', () => {
    expect(modelOf('bpe-bytes').decodePieces(['▁a', '<0xE3>', '<0x81>', 'b', '<0xFF>'])).toBe('a\ufffd\ufffdb\ufffd')
  })
})

it('half of a surrogate pair is U+FFFD', () => {
  const model = modelOf('bpe-bytes')
  expect(model.encode('a\ud83d')).toEqual(model.encode('a\ufffd'))
})

it('any text encodes, and with byte fallback a normalised text comes back', () => {
  const model = modelOf('unigram-bytes')
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 30 }), (text) => {
      const normalized = model.normalize(text)
      const restored = normalized.replaceAll('▁', ' ').replace(/^ +/, '')
      expect(model.decode(model.encode(text))).toBe(restored)
    }),
    { seed: 1, numRuns: 100 },
  )
})

it('an id outside the vocabulary is an error that names the range', () => {
  expect(() => modelOf('identity').decode([3, 80_000])).toThrow(/Id 80000 is outside the vocabulary: expected 0 to 79/)
  expect(() => modelOf('identity').idToPiece(-1)).toThrow(TokenizerError)
})
