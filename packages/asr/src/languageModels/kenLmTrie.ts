import { LanguageModelFileError } from './errors.js'
import type { KenLmHeader } from './kenLmHeader.js'
import { storedWords } from './storedWords.js'
import { type PackedOrder, type Quantization, TrieModel } from './trieModel.js'

const QUANTIZATION_VERSION = 2
const POINTER_VERSION = 0
/** Reading a value may touch so many bytes after the last record. */
const PADDING = 8

/**
 * Reads a trie binary, quantised or with compressed pointers or both; it stays packed in `bytes`.
 *
 * @throws LanguageModelFileError
 */
export function readKenLmTrie(bytes: Uint8Array, header: KenLmHeader, source: string): TrieModel {
  const { counts, storage } = header
  const order = counts.length
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const fail = (problem: string): never => {
    throw new LanguageModelFileError('NEMO_ASR_KENLM', `${source}: ${problem}`)
  }
  let at = header.end
  const take = (size: number, what: string): number => {
    const start = at
    at += size
    if (!(at <= bytes.length))
      fail(`the file ends in its ${what}: expected at least ${at} bytes, found ${bytes.length}. It was cut off.`)
    return start
  }
  if (order < 2) fail('a trie is of order 2 or more, found 1.')
  const vocabularyAt = take(8 + 8 * counts[0]!, 'vocabulary')
  const size = Number(view.getBigUint64(vocabularyAt, true))
  if (size > counts[0]!) fail(`the vocabulary has ${size} words, but there are ${counts[0]} unigrams. It is damaged.`)

  const quantized = storage.includes('quantized')
  const compressed = storage.includes('array')
  const quantizations = quantized ? readQuantization(view, take, order, fail) : []
  const unigrams = take(16 * (counts[0]! + 2), 'unigrams')
  const wordBits = bitLength(counts[0]!)
  // Bits that may be cut off pointers at most, an option of the file's maker.
  let mostCut = 0
  const orders = counts.slice(1).map((entries, i): PackedOrder => {
    const what = `n-grams of order ${i + 2}`
    const quantization = quantizations[i]
    const next = counts[i + 2]
    const longest = next === undefined
    let pointerBits = longest ? 0 : bitLength(next)
    let offsets: Float64Array | undefined
    if (compressed && !longest) {
      const aligned = Math.ceil(at / 8) * 8
      if (i === 0) {
        // What all orders share stands before the first one's offsets.
        if (aligned + 2 > bytes.length) fail(`the file ends in its ${what}. It was cut off.`)
        if (bytes[aligned] !== POINTER_VERSION)
          fail(`pointers are of version ${bytes[aligned]}, expected ${POINTER_VERSION}.`)
        mostCut = bytes[aligned + 1]!
      }
      const cut = bitsCut(entries + 1, next, mostCut)
      const offsetCount = Math.floor(next / 2 ** (pointerBits - cut)) + 1
      pointerBits -= cut
      take(8 * (1 + offsetCount) + 7, `offsets of ${what}`)
      offsets = Float64Array.from({ length: offsetCount }, (_, k) =>
        Number(view.getBigUint64(aligned + 8 + 8 * k, true)),
      )
    }
    const probBits = quantization?.probBits ?? 31
    const backoffBits = longest ? 0 : (quantization?.backoffBits ?? 32)
    const recordBits = wordBits + probBits + backoffBits + pointerBits
    const base = take(Math.ceil(((entries + 1) * recordBits) / 8) + PADDING, what)
    return { base, entries, recordBits, wordBits, pointerBits, offsets, quantization }
  })
  return new TrieModel({
    storage,
    counts,
    view,
    vocabulary: { base: vocabularyAt + 8, size },
    unigrams,
    orders,
    words: storedWords(bytes, header, at, source),
  })
}

function readQuantization(
  view: DataView,
  take: (size: number, what: string) => number,
  order: number,
  fail: (problem: string) => never,
): Quantization[] {
  const head = take(8, 'quantisation')
  const [version, probBits, backoffBits] = [0, 1, 2].map((i) => view.getUint8(head + i)) as [number, number, number]
  if (version !== QUANTIZATION_VERSION)
    fail(`the quantisation is of version ${version}, expected ${QUANTIZATION_VERSION}.`)
  if (probBits < 1 || probBits > 25 || backoffBits < 1 || backoffBits > 25)
    fail(`values are quantised to ${probBits} and ${backoffBits} bits, expected 1 to 25.`)
  const floats = (count: number): Float32Array => {
    const start = take(4 * count, 'quantisation')
    return Float32Array.from({ length: count }, (_, i) => view.getFloat32(start + 4 * i, true))
  }
  return Array.from({ length: order - 1 }, (_, i) => {
    const probs = floats(2 ** probBits)
    return { probBits, backoffBits, probs, backoffs: i === order - 2 ? new Float32Array(0) : floats(2 ** backoffBits) }
  })
}

/** Bits that a number needs. */
function bitLength(value: number): number {
  let bits = 0
  for (let rest = value; rest >= 1; rest = Math.floor(rest / 2)) bits++
  return bits
}

/**
 * Bits of the pointers that go into a table of offsets: as many as save most space. Each value that they take costs the
 * table 64 bits, each record saves the bits.
 */
function bitsCut(records: number, largestPointer: number, most: number): number {
  const bits = bitLength(largestPointer)
  let best = 0
  let least = Number.POSITIVE_INFINITY
  for (let cut = 0; cut <= Math.min(bits, most); cut++) {
    const change = Math.floor(largestPointer / 2 ** (bits - cut)) * 64 - records * cut
    if (change < least) {
      least = change
      best = cut
    }
  }
  return best
}
