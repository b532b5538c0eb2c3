import { hashHigh, murmurHash64A } from './murmurHash64A.js'
import { NGramLanguageModel, type NGramStorage } from './nGramLanguageModel.js'
import type { NGramState } from './nGramState.js'
import { NO_EXTENSION } from './probingModel.js'
import { encodeWord, isUnknownWord } from './probingVocabulary.js'

/** Records of one order, packed to bits. */
export interface PackedOrder {
  /** First byte. */
  readonly base: number
  readonly entries: number
  /** Bits of a record, and of the word that begins it. */
  readonly recordBits: number
  readonly wordBits: number
  /**
   * Bits of the pointer that ends a record of a middle order. What lies above them is in `offsets`, whose entry k is the
   * first record whose pointer's upper part is k or more.
   */
  readonly pointerBits: number
  readonly offsets: Float64Array | undefined
  readonly quantization: Quantization | undefined
}

/** Values that stand for numbers. */
export interface Quantization {
  readonly probBits: number
  readonly backoffBits: number
  readonly probs: Float32Array
  /** Empty at the longest order. */
  readonly backoffs: Float32Array
}

/** What a trie is made of. */
export interface TrieParts {
  readonly storage: NGramStorage
  readonly counts: readonly number[]
  readonly view: DataView
  /** Hashes of the words, ascending; the number of a word is 1 more than its place. */
  readonly vocabulary: { readonly base: number; readonly size: number }
  /** First byte of the unigrams: probability, backoff, first child. */
  readonly unigrams: number
  readonly orders: readonly PackedOrder[]
  readonly words: () => readonly string[] | undefined
}

const UNIGRAM_BYTES = 16
const TWO_32 = 2 ** 32

const floatBits = new Float32Array(1)
const floatBitsAsInteger = new Uint32Array(floatBits.buffer)

/**
 * An n-gram model stored as a trie of reversed n-grams, sorted and packed to bits: KenLM's smallest. The children of an
 * n-gram are the longer ones that end in it.
 */
export class TrieModel extends NGramLanguageModel {
  readonly storage: NGramStorage
  readonly #parts: TrieParts
  readonly #view: DataView
  /** Range of children of the record that was found. */
  #begin = 0
  #end = 0

  constructor(parts: TrieParts) {
    super(parts.counts)
    this.storage = parts.storage
    this.#parts = parts
    this.#view = parts.view
  }

  words(): readonly string[] | undefined {
    return this.#parts.words()
  }

  index(word: string): number {
    const { bytes, end } = encodeWord(word)
    if (isUnknownWord(bytes, 0, end)) return 0
    const low = murmurHash64A(bytes, 0, end)
    const high = hashHigh[0]!
    const { base, size } = this.#parts.vocabulary
    let [from, to] = [0, size]
    while (from < to) {
      const middle = (from + to) >>> 1
      const at = base + 8 * middle
      const foundHigh = this.#view.getUint32(at + 4, true)
      const foundLow = this.#view.getUint32(at, true)
      if (foundHigh === high && foundLow === low) return middle + 1
      if (foundHigh < high || (foundHigh === high && foundLow < low)) from = middle + 1
      else to = middle
    }
    return 0
  }

  scoreWord(state: NGramState, word: number, out: NGramState): number {
    const { unigrams, orders } = this.#parts
    const view = this.#view
    const { words, backoffs } = out
    const at = unigrams + word * UNIGRAM_BYTES
    let prob = view.getFloat32(at, true)
    words[0] = word
    backoffs[0] = view.getFloat32(at + 4, true)
    let length = view.getUint32(at + 4, true) === NO_EXTENSION ? 0 : 1
    let matched = 1
    this.#begin = view.getUint32(at + 8, true) + TWO_32 * view.getUint32(at + 12, true)
    this.#end = view.getUint32(at + 24, true) + TWO_32 * view.getUint32(at + 28, true)
    const history = state.length
    const last = orders.length - 1
    for (let i = 0; i < history && this.#begin < this.#end; i++) {
      const order = orders[i]!
      const found = this.#find(order, state.words[i]!)
      if (found < 0) break
      matched = i + 2
      let bit = found * order.recordBits + order.wordBits
      const { quantization } = order
      if (i === last) {
        prob = quantization
          ? quantization.probs[this.#bits(order.base, bit, quantization.probBits)]!
          : this.#negative(this.#bits(order.base, bit, 31))
        break
      }
      let backoff: number
      if (quantization) {
        // The backoff comes first.
        backoff = quantization.backoffs[this.#bits(order.base, bit, quantization.backoffBits)]!
        prob = quantization.probs[this.#bits(order.base, bit + quantization.backoffBits, quantization.probBits)]!
        bit += quantization.backoffBits + quantization.probBits
      } else {
        prob = this.#negative(this.#bits(order.base, bit, 31))
        floatBitsAsInteger[0] = this.#bits(order.base, bit + 31, 32)
        backoff = floatBits[0]!
        bit += 63
      }
      backoffs[i + 1] = backoff
      if (!Object.is(backoff, -0)) length = matched
      this.#follow(order, found, bit)
    }
    for (let i = matched - 1; i < history; i++) prob = Math.fround(prob + state.backoffs[i]!)
    for (let i = 1; i < length; i++) words[i] = state.words[i - 1]!
    out.length = length
    out.matched = matched
    return prob
  }

  // Index of a word among the children at hand, or -1. Numbers are hashes' ranks, so they lie evenly: interpolate.
  #find(order: PackedOrder, word: number): number {
    let from = Math.max(0, this.#begin)
    let to = Math.min(this.#end, order.entries) - 1
    let low = 0
    let high = this.#parts.vocabulary.size + 1
    while (from <= to) {
      const share = (word - low) / (high - low)
      let middle = from + Math.floor(share * (to - from + 1))
      if (middle > to) middle = to
      else if (!(middle >= from)) middle = from
      const found = this.#bits(order.base, middle * order.recordBits, order.wordBits)
      if (found === word) return middle
      if (found < word) {
        from = middle + 1
        low = found
      } else {
        to = middle - 1
        high = found
      }
      // A damaged file's words may not ascend.
      if (high <= low || word <= low || word >= high) return -1
    }
    return -1
  }

  // Reads the range of children of a record.
  #follow(order: PackedOrder, index: number, bit: number): void {
    const begin = this.#wide(order.base, bit, order.pointerBits)
    const end = this.#wide(order.base, bit + order.recordBits, order.pointerBits)
    const { offsets } = order
    if (!offsets) {
      this.#begin = begin
      this.#end = end
      return
    }
    const scale = 2 ** order.pointerBits
    this.#begin = lastNotAbove(offsets, index) * scale + begin
    this.#end = lastNotAbove(offsets, index + 1) * scale + end
  }

  // Up to 32 bits, the lowest first, from a bit of the records that begin at a byte.
  #bits(base: number, bit: number, width: number): number {
    const byte = Math.floor(bit / 8)
    const shift = bit - byte * 8
    const view = this.#view
    const at = base + byte
    const word = view.getUint32(at, true)
    const value = shift === 0 ? word : (word >>> shift) | (view.getUint8(at + 4) << (32 - shift))
    return width === 32 ? value >>> 0 : value & ((1 << width) - 1)
  }

  #wide(base: number, bit: number, width: number): number {
    if (width <= 31) return width === 0 ? 0 : this.#bits(base, bit, width)
    return this.#bits(base, bit, 31) + 2 ** 31 * this.#bits(base, bit + 31, width - 31)
  }

  // The float of 31 bits: its sign, always minus, is not stored.
  #negative(bits: number): number {
    floatBitsAsInteger[0] = bits | NO_EXTENSION
    return floatBits[0]!
  }
}

function lastNotAbove(offsets: Float64Array, index: number): number {
  let [from, to] = [0, offsets.length]
  while (from < to) {
    const middle = (from + to) >>> 1
    if (offsets[middle]! <= index) from = middle + 1
    else to = middle
  }
  return from - 1
}
