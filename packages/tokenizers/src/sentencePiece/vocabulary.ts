import { TokenizerError } from '../errors.js'
import type { Piece, SentencePieceModelFile } from './modelFile.js'
import { PieceTrie } from './pieceTrie.js'

/** A piece of text and the id that it has. */
export interface Segment {
  readonly text: string
  readonly id: number
}

/** The pieces of a model by id and by text. */
export class Vocabulary {
  readonly pieces: readonly Piece[]
  /** Pieces that text can be cut into: normal, user-defined and unused ones. */
  readonly textPieces: ReadonlyMap<string, number>
  /** User-defined symbols, which are never split nor normalised. */
  readonly userDefined = new PieceTrie()
  readonly unkId: number
  /** Ids of the 256 byte pieces, if the model falls back to bytes. */
  readonly byteIds: readonly number[] | null
  readonly #reserved = new Map<string, number>()

  /** @throws TokenizerError for a vocabulary that contradicts itself. */
  constructor({ pieces, trainerSpec }: SentencePieceModelFile) {
    const textPieces = new Map<string, number>()
    const byteIds = new Map<number, number>()
    let unkId = -1
    for (const [id, { piece, type }] of pieces.entries()) {
      if (piece === '') throw new TokenizerError(`Piece ${id} is empty.`)
      const isText = type === 'normal' || type === 'userDefined' || type === 'unused'
      const map = isText ? textPieces : this.#reserved
      if (map.has(piece))
        throw new TokenizerError(`Piece ${id} repeats ${JSON.stringify(piece)}, which is piece ${map.get(piece)}.`)
      map.set(piece, id)
      if (type === 'userDefined') this.userDefined.set(piece, id)
      if (type === 'unknown') {
        if (unkId >= 0) throw new TokenizerError(`Pieces ${unkId} and ${id} both stand for the unknown.`)
        unkId = id
      }
      if (type === 'byte') {
        const byte = byteOfPiece(piece)
        if (byte === undefined || !trainerSpec.byteFallback)
          throw new TokenizerError(
            `Piece ${id}, ${JSON.stringify(piece)}, stands for a byte: expected <0x00> to <0xFF> in a model with byte_fallback.`,
          )
        byteIds.set(byte, id)
      }
    }
    if (unkId < 0) throw new TokenizerError('No piece stands for the unknown.')
    if (trainerSpec.byteFallback && byteIds.size !== 256)
      throw new TokenizerError(`A model with byte_fallback needs 256 byte pieces, found ${byteIds.size}.`)
    this.pieces = pieces
    this.textPieces = textPieces
    this.unkId = unkId
    this.byteIds = trainerSpec.byteFallback ? Array.from({ length: 256 }, (_, byte) => byteIds.get(byte)!) : null
  }

  /** Id of a piece, that of the unknown if there is none. */
  idOf(piece: string): number {
    return this.#reserved.get(piece) ?? this.textPieces.get(piece) ?? this.unkId
  }
}

/** The byte of a piece like `<0x0A>`. */
export function byteOfPiece(piece: string): number | undefined {
  const digits = /^<0x([0-9A-F]{2})>$/.exec(piece)?.[1]
  return digits === undefined ? undefined : Number.parseInt(digits, 16)
}
