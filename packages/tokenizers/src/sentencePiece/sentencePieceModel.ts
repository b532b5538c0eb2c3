import { TokenizerError } from '../errors.js'
import { encodeBpe } from './bpe.js'
import { type Piece, readModelFile, type SentencePieceModelFile, type SentencePieceModelType } from './modelFile.js'
import { Normalizer, SPACE_SYMBOL } from './normalizer.js'
import { PieceTrie } from './pieceTrie.js'
import { UnigramSegmenter } from './unigram.js'
import { byteOfPiece, type Segment, Vocabulary } from './vocabulary.js'
import { encodeCharacters, encodeWords } from './wordsAndCharacters.js'

/**
 * A SentencePiece model: unigram, BPE, characters or words, with normalisation, byte fallback and user-defined symbols.
 * Ids and texts are those of SentencePiece 0.1.9x.
 *
 * Source: Kudo and Richardson 2018; Kudo 2018 (unigram); Sennrich et al. 2016 (BPE).
 */
export class SentencePieceModel {
  readonly modelType: SentencePieceModelType
  /** Id of a piece is its place. */
  readonly pieces: readonly Piece[]
  readonly unkId: number
  /** -1 if the model has no such piece. */
  readonly bosId: number
  /** -1 if the model has no such piece. */
  readonly eosId: number
  /** -1 if the model has no such piece. */
  readonly padId: number
  readonly #file: SentencePieceModelFile
  readonly #vocabulary: Vocabulary
  readonly #normalizer: Normalizer
  readonly #denormalizer: Normalizer | null
  readonly #segment: (normalized: string) => Segment[]

  /** @throws TokenizerError for a model that contradicts itself. */
  constructor(file: SentencePieceModelFile) {
    const { trainerSpec, normalizerSpec, denormalizerSpec } = file
    const vocabulary = new Vocabulary(file)
    const { userDefined, unkId } = vocabulary
    const { treatWhitespaceAsSuffix } = trainerSpec
    this.#file = file
    this.#vocabulary = vocabulary
    this.#normalizer = new Normalizer(normalizerSpec, { userDefined, treatWhitespaceAsSuffix })
    this.#denormalizer =
      denormalizerSpec && denormalizerSpec.precompiledCharsmap.length > 0
        ? new Normalizer(denormalizerSpec, { userDefined: new PieceTrie(), treatWhitespaceAsSuffix: false })
        : null
    this.#segment = segmenter(trainerSpec.modelType, vocabulary, treatWhitespaceAsSuffix)
    this.modelType = trainerSpec.modelType
    this.pieces = file.pieces
    this.unkId = unkId
    const control = (piece: string): number => {
      const id = vocabulary.idOf(piece)
      return file.pieces[id]!.type === 'control' ? id : -1
    }
    this.bosId = control(trainerSpec.bosPiece)
    this.eosId = control(trainerSpec.eosPiece)
    this.padId = control(trainerSpec.padPiece)
  }

  /**
   * Reads the bytes of a `.model` file.
   *
   * @param name - For messages.
   * @throws TokenizerError for bytes that are no such model.
   */
  static read(bytes: Uint8Array, name?: string): SentencePieceModel {
    return new SentencePieceModel(readModelFile(bytes, name))
  }

  /** Number of pieces. */
  get vocabSize(): number {
    return this.pieces.length
  }

  /** The text as it is before it is cut: replaced by the model's rules, spaces as U+2581. */
  normalize(text: string): string {
    return this.#normalizer.normalize(text)
  }

  /** Ids of a text. */
  encode(text: string): number[] {
    return this.#segments(text).map(({ id }) => id)
  }

  /** Pieces of a text; a run of unknown characters is one piece. */
  encodePieces(text: string): string[] {
    return this.#segments(text).map(({ text }) => text)
  }

  /**
   * Text of ids. The unknown reads ` ⁇ `, control symbols read as nothing, bytes that are no UTF-8 as U+FFFD.
   *
   * @throws TokenizerError for an id outside the vocabulary.
   */
  decode(ids: readonly number[]): string {
    return this.decodePieces(ids.map((id) => this.idToPiece(id)))
  }

  /** Text of pieces; pieces that the model does not know stand for themselves. */
  decodePieces(pieces: readonly string[]): string {
    let text = ''
    let bytes: number[] = []
    let atStart = true
    let startSpaceSeen = false
    const flush = (): void => {
      text += decodeBytes(bytes)
      bytes = []
    }
    for (const piece of pieces) {
      const id = this.#vocabulary.idOf(piece)
      if (this.pieces[id]!.type === 'byte') {
        bytes.push(byteOfPiece(piece)!)
        continue
      }
      flush()
      if (startSpaceSeen || text !== '') atStart = false
      const surface = this.#surface(piece, id, atStart)
      text += surface.text
      startSpaceSeen = surface.consumedSpace
    }
    flush()
    return this.#denormalizer ? this.#denormalizer.normalize(text) : text
  }

  /** Id of a piece, that of the unknown if there is none. */
  pieceToId(piece: string): number {
    return this.#vocabulary.idOf(piece)
  }

  /** @throws TokenizerError for an id outside the vocabulary. */
  idToPiece(id: number): string {
    const piece = this.pieces[id]
    if (!piece) throw new TokenizerError(`Id ${id} is outside the vocabulary: expected 0 to ${this.vocabSize - 1}.`)
    return piece.piece
  }

  #segments(text: string): Segment[] {
    const { byteIds, unkId } = this.#vocabulary
    const segments: Segment[] = []
    let afterUnknown = false
    for (const segment of this.#segment(this.#normalizer.normalize(text))) {
      const unknown = segment.id === unkId
      if (unknown && byteIds) {
        for (const byte of new TextEncoder().encode(segment.text)) {
          const id = byteIds[byte]!
          segments.push({ text: this.pieces[id]!.piece, id })
        }
      } else if (unknown && afterUnknown) {
        const last = segments.pop()!
        segments.push({ text: last.text + segment.text, id: unkId })
      } else {
        segments.push(segment)
      }
      afterUnknown = unknown
    }
    return segments
  }

  /** What a piece reads as; at the start of a text a leading space is left out. */
  #surface(piece: string, id: number, atStart: boolean): { text: string; consumedSpace: boolean } {
    const { type, piece: name } = this.pieces[id]!
    if (type === 'control') return { text: '', consumedSpace: false }
    if (type === 'unknown') {
      return { text: name === piece ? this.#file.trainerSpec.unkSurface : piece, consumedSpace: false }
    }
    const { addDummyPrefix, removeExtraWhitespaces } = this.#file.normalizerSpec
    let visible = piece
    let consumedSpace = false
    if (atStart && (addDummyPrefix || removeExtraWhitespaces) && piece.startsWith(SPACE_SYMBOL)) {
      visible = piece.slice(SPACE_SYMBOL.length)
      // With squeezed spaces all leading ones go, not only the first.
      consumedSpace = !removeExtraWhitespaces
    }
    return { text: visible.replaceAll(SPACE_SYMBOL, ' '), consumedSpace }
  }
}

function segmenter(
  type: SentencePieceModelType,
  vocabulary: Vocabulary,
  spaceAsSuffix: boolean,
): (normalized: string) => Segment[] {
  switch (type) {
    case 'unigram': {
      const unigram = new UnigramSegmenter(vocabulary)
      return (text) => unigram.encode(text)
    }
    case 'bpe':
      return (text) => encodeBpe(text, vocabulary)
    case 'char':
      return (text) => encodeCharacters(text, vocabulary)
    case 'word':
      return (text) => encodeWords(text, vocabulary, spaceAsSuffix)
  }
}

/** UTF-8 with U+FFFD for each byte that belongs to no character. */
function decodeBytes(bytes: readonly number[]): string {
  let text = ''
  for (let at = 0; at < bytes.length; ) {
    const lead = bytes[at]!
    const length = lead < 0x80 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4
    const character = decodeCharacter(bytes.slice(at, at + length))
    text += character ?? '\ufffd'
    at += character === undefined ? 1 : length
  }
  return text
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

function decodeCharacter(bytes: readonly number[]): string | undefined {
  try {
    return utf8.decode(Uint8Array.from(bytes))
  } catch {
    return undefined
  }
}
