import { BinaryWriter, WireType } from '@bufbuild/protobuf/wire'
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { modelBytes } from '../../test/sentencePieceFixtures.js'
import { TokenizerError } from '../errors.js'
import { readModelFile } from './modelFile.js'
import { SentencePieceModel } from './sentencePieceModel.js'

interface TestPiece {
  readonly piece: string
  readonly type?: number
}

/** A model file of the given pieces. */
function fileOf(pieces: readonly TestPiece[], { byteFallback = false } = {}): Uint8Array {
  const writer = new BinaryWriter()
  for (const { piece, type = 1 } of pieces) {
    const fields = new BinaryWriter().tag(1, WireType.LengthDelimited).string(piece)
    fields.tag(3, WireType.Varint).int32(type)
    writer.tag(1, WireType.LengthDelimited).bytes(fields.finish())
  }
  const trainer = new BinaryWriter().tag(35, WireType.Varint).bool(byteFallback).finish()
  return writer.tag(2, WireType.LengthDelimited).bytes(trainer).finish()
}

it('reads pieces, scores, types and defaults', () => {
  const file = readModelFile(modelBytes('unigram160-bos-eos-pad'))
  expect(file.pieces.slice(0, 5).map(({ piece, type }) => [piece, type])).toEqual([
    ['<unk>', 'unknown'],
    ['<s>', 'control'],
    ['</s>', 'control'],
    ['<pad>', 'control'],
    ['[x]', 'userDefined'],
  ])
  expect(file.trainerSpec).toMatchObject({ modelType: 'unigram', byteFallback: false, unkSurface: ' ⁇ ' })
  expect(file.normalizerSpec).toMatchObject({ name: 'nmt_nfkc', addDummyPrefix: true, removeExtraWhitespaces: true })
})

it('bytes that are no model are an error with the name of the file', () => {
  expect(() => readModelFile(new Uint8Array(), 'a.model')).toThrow(
    /a\.model: expected a SentencePiece \.model file, found 0 bytes: it has no pieces/,
  )
  expect(() => readModelFile(modelBytes('identity').subarray(0, 500))).toThrow(TokenizerError)
  expect(() => readModelFile(fileOf([{ piece: 'a', type: 9 }]))).toThrow(/type of piece 9 is unknown/)
})

it('a vocabulary that contradicts itself is an error', () => {
  const unk = { piece: '<unk>', type: 2 }
  const read = (pieces: readonly TestPiece[], options?: { byteFallback: boolean }) => () =>
    SentencePieceModel.read(fileOf(pieces, options))
  expect(read([{ piece: 'a' }])).toThrow(/No piece stands for the unknown/)
  expect(read([unk, { piece: 'u', type: 2 }])).toThrow(/Pieces 0 and 1 both stand for the unknown/)
  expect(read([unk, { piece: 'a' }, { piece: 'a' }])).toThrow(/Piece 2 repeats "a", which is piece 1/)
  expect(read([unk, { piece: '' }])).toThrow(/Piece 1 is empty/)
  expect(read([unk, { piece: '<0x41>', type: 6 }])).toThrow(/byte_fallback/)
  expect(read([unk, { piece: '<0x41>', type: 6 }], { byteFallback: true })).toThrow(/256 byte pieces, found 1/)
})

it('damaged models are read or refused, and never crash or hang', () => {
  const bytes = modelBytes('identity')
  fc.assert(
    fc.property(fc.nat(bytes.length - 1), fc.nat(255), fc.nat(bytes.length), (at, value, length) => {
      const damaged = Uint8Array.from(bytes.subarray(0, Math.max(length, 1)))
      damaged[at % damaged.length] = value
      try {
        const model = SentencePieceModel.read(damaged)
        model.decode(model.encode('some text, 日本'))
      } catch (error) {
        expect(error).toBeInstanceOf(TokenizerError)
      }
    }),
    { seed: 1, numRuns: 300 },
  )
})
