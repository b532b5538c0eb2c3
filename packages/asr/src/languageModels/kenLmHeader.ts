import { LanguageModelFileError } from './errors.js'
import type { NGramStorage } from './nGramLanguageModel.js'

const MAGIC = 'mmap lm http://kheafield.com/code format version 5\n\0'
/** Start of every binary of KenLM, whatever its version. */
const FAMILY = 'mmap lm http://kheafield.com/code'
const MAGIC_BYTES = 56
const FIXED_BYTES = 108
const storages: readonly NGramStorage[] = [
  'probing',
  'rest-probing',
  'trie',
  'quantized-trie',
  'array-trie',
  'quantized-array-trie',
]
/** Longest n-grams that we read. */
export const LONGEST_ORDER = 64

/** What a KenLM binary says of itself. */
export interface KenLmHeader {
  readonly storage: NGramStorage
  /** Buckets per entry. */
  readonly multiplier: number
  readonly hasVocabulary: boolean
  readonly counts: readonly number[]
  /** Where the vocabulary begins. */
  readonly end: number
}

/** Whether a file is a binary of KenLM, by its first bytes. */
export function isKenLmBinary(bytes: Uint8Array): boolean {
  return bytes.length >= FAMILY.length && ascii(bytes, 0, FAMILY.length) === FAMILY
}

const ascii = (bytes: Uint8Array, start: number, end: number): string =>
  String.fromCharCode(...bytes.subarray(start, end))

/** Reads the header. @throws LanguageModelFileError */
export function readKenLmHeader(bytes: Uint8Array, source: string): KenLmHeader {
  const fail = (problem: string): never => {
    throw new LanguageModelFileError('NEMO_ASR_KENLM', `${source}: ${problem}`)
  }
  if (bytes.length < FIXED_BYTES) fail(`a KenLM binary is longer than ${FIXED_BYTES} bytes, found ${bytes.length}.`)
  const magic = ascii(bytes, 0, MAGIC.length)
  if (magic !== MAGIC)
    fail(
      `expected KenLM's format version 5 of this byte order, found ${JSON.stringify(magic.slice(0, 52))}. Build it anew.`,
    )
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const layout = [view.getFloat32(60, true), view.getFloat32(64, true), view.getUint32(68, true)]
  if (layout[0] !== 1 || layout[1] !== -0.5 || layout[2] !== 1)
    fail(
      `the numbers that tell the byte order are ${layout}, expected 1, -0.5 and 1. Build it on a little-endian machine.`,
    )
  const order = bytes[88]!
  const type = view.getUint32(96, true)
  const storage = storages[type] ?? fail(`the storage is number ${type}, expected 0 to ${storages.length - 1}.`)
  if (order < 1 || order > LONGEST_ORDER) fail(`the order is ${order}, expected 1 to ${LONGEST_ORDER}.`)
  const end = Math.ceil((FIXED_BYTES + 8 * order) / 8) * 8
  if (bytes.length < end) fail(`the file ends in its header, after ${bytes.length} bytes.`)
  const counts = Array.from({ length: order }, (_, i) => Number(view.getBigUint64(FIXED_BYTES + 8 * i, true)))
  counts.forEach((count, i) => {
    if (!(count > 0 || i > 0) || count > bytes.length * 8)
      fail(`it cannot hold ${count} n-grams of order ${i + 1} in ${bytes.length} bytes. The file is damaged.`)
  })
  const multiplier = view.getFloat32(92, true)
  const probing = storage === 'probing' || storage === 'rest-probing'
  if (probing && !(multiplier >= 1 && multiplier < 1e6))
    fail(`the probing multiplier is ${multiplier}, expected 1 or more.`)
  return { storage, multiplier, hasVocabulary: bytes[100] !== 0, counts, end }
}

/** The header of a probing model. */
export function writeKenLmHeader(counts: readonly number[], multiplier: number): Uint8Array {
  const bytes = new Uint8Array(Math.ceil((FIXED_BYTES + 8 * counts.length) / 8) * 8)
  const view = new DataView(bytes.buffer)
  for (let i = 0; i < MAGIC.length; i++) bytes[i] = MAGIC.charCodeAt(i)
  for (const [i, value] of [0, 1, -0.5].entries()) view.setFloat32(MAGIC_BYTES + 4 * i, value, true)
  for (const [i, value] of [1, 0xffffffff, 0].entries()) view.setUint32(68 + 4 * i, value, true)
  view.setBigUint64(80, 1n, true)
  bytes[88] = counts.length
  view.setFloat32(92, multiplier, true)
  view.setUint32(96, 0, true)
  bytes[100] = 1
  view.setUint32(104, 0, true)
  for (const [i, count] of counts.entries()) view.setBigUint64(FIXED_BYTES + 8 * i, BigInt(count), true)
  return bytes
}
