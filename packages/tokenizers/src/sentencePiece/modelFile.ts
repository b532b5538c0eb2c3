import { BinaryReader, BinaryWriter, WireType } from '@bufbuild/protobuf/wire'
import { TokenizerError } from '../errors.js'

/** What a piece is for. */
export type PieceType = 'normal' | 'unknown' | 'control' | 'userDefined' | 'unused' | 'byte'

/** How text is cut into pieces. */
export type SentencePieceModelType = 'unigram' | 'bpe' | 'word' | 'char'

/** One entry of a vocabulary; its id is its place. */
export interface Piece {
  readonly piece: string
  /** Natural log of a probability (unigram), minus the rank of the merge (BPE). */
  readonly score: number
  readonly type: PieceType
}

/** How text is prepared. */
export interface NormalizerSpec {
  readonly name: string
  /** Rules compiled to a double-array trie; empty for none. */
  readonly precompiledCharsmap: Uint8Array
  readonly addDummyPrefix: boolean
  readonly removeExtraWhitespaces: boolean
  readonly escapeWhitespaces: boolean
}

/** What of the training options matters afterwards. */
export interface TrainerSpec {
  readonly modelType: SentencePieceModelType
  readonly byteFallback: boolean
  readonly treatWhitespaceAsSuffix: boolean
  readonly unkSurface: string
  readonly unkPiece: string
  readonly bosPiece: string
  readonly eosPiece: string
  readonly padPiece: string
}

/** Contents of a SentencePiece `.model` file. */
export interface SentencePieceModelFile {
  readonly pieces: readonly Piece[]
  readonly trainerSpec: TrainerSpec
  readonly normalizerSpec: NormalizerSpec
  /** Applied to decoded text, if there. */
  readonly denormalizerSpec: NormalizerSpec | null
}

const pieceTypes: Readonly<Record<number, PieceType>> = {
  1: 'normal',
  2: 'unknown',
  3: 'control',
  4: 'userDefined',
  5: 'unused',
  6: 'byte',
}
const modelTypes: Readonly<Record<number, SentencePieceModelType>> = { 1: 'unigram', 2: 'bpe', 3: 'word', 4: 'char' }

/**
 * Reads a SentencePiece `.model` file: a protocol buffer, `sentencepiece.ModelProto`.
 *
 * @param name - For messages.
 * @throws TokenizerError for bytes that are no such model.
 */
export function readModelFile(bytes: Uint8Array, name = 'SentencePiece model'): SentencePieceModelFile {
  try {
    return readModel(bytes)
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    throw new TokenizerError(`${name}: expected a SentencePiece .model file, found ${bytes.length} bytes: ${reason}.`)
  }
}

function readModel(bytes: Uint8Array): SentencePieceModelFile {
  const pieces: Piece[] = []
  // A message that comes twice is the two joined: so protocol buffers merge.
  let trainerSpec: Uint8Array = new Uint8Array()
  let normalizerSpec: Uint8Array = new Uint8Array()
  let denormalizerSpec: Uint8Array | undefined
  readFields(bytes, {
    1: (reader) => pieces.push(readPiece(reader.bytes())),
    2: (reader) => {
      trainerSpec = joinBytes(trainerSpec, reader.bytes())
    },
    3: (reader) => {
      normalizerSpec = joinBytes(normalizerSpec, reader.bytes())
    },
    5: (reader) => {
      denormalizerSpec = joinBytes(denormalizerSpec ?? new Uint8Array(), reader.bytes())
    },
  })
  if (pieces.length === 0) throw new Error('it has no pieces')
  return {
    pieces,
    trainerSpec: readTrainerSpec(trainerSpec),
    normalizerSpec: readNormalizerSpec(normalizerSpec),
    denormalizerSpec: denormalizerSpec ? readNormalizerSpec(denormalizerSpec) : null,
  }
}

function readPiece(bytes: Uint8Array): Piece {
  let piece = ''
  let score = 0
  let type: PieceType = 'normal'
  readFields(bytes, {
    1: (reader) => {
      piece = reader.string()
    },
    2: (reader) => {
      score = reader.float()
    },
    3: (reader) => {
      type = named(pieceTypes, reader.int32(), 'type of piece')
    },
  })
  return { piece, score, type }
}

function readTrainerSpec(bytes: Uint8Array): TrainerSpec {
  let modelType: SentencePieceModelType = 'unigram'
  let byteFallback = false
  let treatWhitespaceAsSuffix = false
  let unkSurface = ' \u2047 '
  const special = { unkPiece: '<unk>', bosPiece: '<s>', eosPiece: '</s>', padPiece: '<pad>' }
  readFields(bytes, {
    3: (reader) => {
      modelType = named(modelTypes, reader.int32(), 'type of model')
    },
    24: (reader) => {
      treatWhitespaceAsSuffix = reader.bool()
    },
    35: (reader) => {
      byteFallback = reader.bool()
    },
    44: (reader) => {
      unkSurface = reader.string()
    },
    // An empty name means the default.
    45: (reader) => {
      special.unkPiece = reader.string() || special.unkPiece
    },
    46: (reader) => {
      special.bosPiece = reader.string() || special.bosPiece
    },
    47: (reader) => {
      special.eosPiece = reader.string() || special.eosPiece
    },
    48: (reader) => {
      special.padPiece = reader.string() || special.padPiece
    },
  })
  return { modelType, byteFallback, treatWhitespaceAsSuffix, unkSurface, ...special }
}

function readNormalizerSpec(bytes: Uint8Array): NormalizerSpec {
  let name = ''
  let precompiledCharsmap: Uint8Array = new Uint8Array()
  let addDummyPrefix = true
  let removeExtraWhitespaces = true
  let escapeWhitespaces = true
  readFields(bytes, {
    1: (reader) => {
      name = reader.string()
    },
    2: (reader) => {
      precompiledCharsmap = reader.bytes()
    },
    3: (reader) => {
      addDummyPrefix = reader.bool()
    },
    4: (reader) => {
      removeExtraWhitespaces = reader.bool()
    },
    5: (reader) => {
      escapeWhitespaces = reader.bool()
    },
  })
  return { name, precompiledCharsmap, addDummyPrefix, removeExtraWhitespaces, escapeWhitespaces }
}

/** Calls the function of each field's number; skips the others, as protocol buffers ask for. */
function readFields(bytes: Uint8Array, fields: Readonly<Record<number, (reader: BinaryReader) => void>>): void {
  const reader = new BinaryReader(bytes)
  while (reader.pos < reader.len) {
    const [number, wireType] = reader.tag()
    const read = fields[number]
    const start = reader.pos
    if (read && wireType !== WireType.EndGroup) read(reader)
    else reader.skip(wireType, number)
    if (reader.pos <= start && reader.len > start) throw new Error(`field ${number} is malformed`)
  }
}

/**
 * Writes a SentencePiece `.model` file.
 *
 * @returns bytes that SentencePiece reads.
 */
export function writeModelFile({
  pieces,
  trainerSpec,
  normalizerSpec,
  denormalizerSpec,
}: SentencePieceModelFile): Uint8Array<ArrayBuffer> {
  const writer = new BinaryWriter()
  const message = (field: number, bytes: Uint8Array): void => {
    writer.tag(field, WireType.LengthDelimited).bytes(bytes)
  }
  for (const piece of pieces) message(1, writePiece(piece))
  message(2, writeTrainerSpec(trainerSpec, pieces))
  message(3, writeNormalizerSpec(normalizerSpec))
  if (denormalizerSpec) message(5, writeNormalizerSpec(denormalizerSpec))
  return Uint8Array.from(writer.finish())
}

function writePiece({ piece, score, type }: Piece): Uint8Array {
  const writer = new BinaryWriter()
  writer.tag(1, WireType.LengthDelimited).string(piece)
  writer.tag(2, WireType.Bit32).float(score)
  if (type !== 'normal') writer.tag(3, WireType.Varint).int32(numberOf(pieceTypes, type))
  return writer.finish()
}

function writeTrainerSpec(spec: TrainerSpec, pieces: readonly Piece[]): Uint8Array {
  const writer = new BinaryWriter()
  const text = (field: number, value: string) => writer.tag(field, WireType.LengthDelimited).string(value)
  const int = (field: number, value: number) => writer.tag(field, WireType.Varint).int32(value)
  const flag = (field: number, value: boolean) => writer.tag(field, WireType.Varint).bool(value)
  const idOf = (name: string) => pieces.findIndex(({ piece, type }) => piece === name && type === 'control')
  int(3, numberOf(modelTypes, spec.modelType))
  int(4, pieces.length)
  flag(24, spec.treatWhitespaceAsSuffix)
  flag(35, spec.byteFallback)
  int(
    40,
    pieces.findIndex(({ type }) => type === 'unknown'),
  )
  int(41, idOf(spec.bosPiece))
  int(42, idOf(spec.eosPiece))
  int(43, idOf(spec.padPiece))
  text(44, spec.unkSurface)
  text(45, spec.unkPiece)
  text(46, spec.bosPiece)
  text(47, spec.eosPiece)
  text(48, spec.padPiece)
  return writer.finish()
}

function writeNormalizerSpec(spec: NormalizerSpec): Uint8Array {
  const writer = new BinaryWriter()
  writer.tag(1, WireType.LengthDelimited).string(spec.name)
  writer.tag(2, WireType.LengthDelimited).bytes(spec.precompiledCharsmap)
  writer.tag(3, WireType.Varint).bool(spec.addDummyPrefix)
  writer.tag(4, WireType.Varint).bool(spec.removeExtraWhitespaces)
  writer.tag(5, WireType.Varint).bool(spec.escapeWhitespaces)
  return writer.finish()
}

const numberOf = <Name>(names: Readonly<Record<number, Name>>, wanted: Name): number =>
  Number(Object.entries(names).find(([, name]) => name === wanted)![0])

function joinBytes(a: Uint8Array, b: Uint8Array): Uint8Array {
  const joined = new Uint8Array(a.length + b.length)
  joined.set(a)
  joined.set(b, a.length)
  return joined
}

function named<Name>(names: Readonly<Record<number, Name>>, value: number, what: string): Name {
  const name = names[value]
  if (name === undefined) throw new Error(`${what} ${value} is unknown`)
  return name
}
