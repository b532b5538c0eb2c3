/** Words of a key. */
const KEY_WORDS = 2

/**
 * Hash table in KenLM's layout: buckets of a 64-bit key and a payload, linear probing, key 0 empty. It lies in memory of
 * its own or in a file's.
 */
export class ProbingTable {
  readonly words: Uint32Array
  readonly floats: Float32Array
  /** 32-bit words of a bucket. */
  readonly stride: number
  readonly buckets: number
  /** First word of the table. */
  readonly base: number
  readonly #inverse: number
  readonly #end: number

  /**
   * @param memory - `stride * buckets` 32-bit words from `byteOffset`, which 4 divides.
   * @param payload - 32-bit words after each key.
   */
  constructor(memory: ArrayBufferLike, byteOffset: number, payload: number, buckets: number) {
    this.words = new Uint32Array(memory, 0, Math.floor(memory.byteLength / 4))
    this.floats = new Float32Array(memory, 0, Math.floor(memory.byteLength / 4))
    this.stride = KEY_WORDS + payload
    this.buckets = buckets
    this.base = byteOffset / 4
    this.#inverse = 1 / buckets
    this.#end = this.base + buckets * this.stride
  }

  /** An empty table. */
  static empty(payload: number, buckets: number): ProbingTable {
    return new ProbingTable(new ArrayBuffer((KEY_WORDS + payload) * buckets * 4), 0, payload, buckets)
  }

  /** Bytes of the table. */
  get byteLength(): number {
    return this.stride * this.buckets * 4
  }

  /** Index of the bucket's first word, or -1. */
  find(low: number, high: number): number {
    const { words, stride } = this
    const end = this.#end
    // As an integer: indexing by a number that may have a fraction is several times as slow.
    const start = (this.base + this.#bucket(low, high) * stride) >>> 0
    for (let at = start; ; ) {
      const found = words[at]!
      const foundHigh = words[at + 1]!
      if (found === low && foundHigh === high) return at
      if (found === 0 && foundHigh === 0) return -1
      at = (at + stride) >>> 0
      if (at === end) at = this.base
      // A table without a free bucket is not KenLM's, but may be in a damaged file.
      if (at === start) return -1
    }
  }

  /** Puts a key that is not there and returns the index of its bucket's first word; -1 if the table is full. */
  insert(low: number, high: number): number {
    const { words, stride } = this
    const start = this.base + this.#bucket(low, high) * stride
    for (let at = start; ; ) {
      if (words[at] === 0 && words[at + 1] === 0) {
        words[at] = low
        words[at + 1] = high
        return at
      }
      at += stride
      if (at === this.#end) at = this.base
      if (at === start) return -1
    }
  }

  /** A larger table with the same entries, in the order that they have here. */
  grown(buckets: number): ProbingTable {
    const larger = ProbingTable.empty(this.stride - KEY_WORDS, buckets)
    for (let at = this.base; at < this.#end; at += this.stride) {
      const [low, high] = [this.words[at]!, this.words[at + 1]!]
      if (low === 0 && high === 0) continue
      const to = larger.insert(low, high)
      for (let i = KEY_WORDS; i < this.stride; i++) larger.words[to + i] = this.words[at + i]!
    }
    return larger
  }

  // The key modulo the number of buckets, in two steps so that doubles are exact. V8 has no fast integer modulo of numbers
  // of more than 32 bits; the inverse is off by one at most, which is put right.
  #bucket(low: number, high: number): number {
    const { buckets } = this
    const inverse = this.#inverse
    let rest = high * 1048576 + (low >>> 12)
    rest -= Math.floor(rest * inverse) * buckets
    rest = rest < 0 ? rest + buckets : rest >= buckets ? rest - buckets : rest
    rest = rest * 4096 + (low & 4095)
    rest -= Math.floor(rest * inverse) * buckets
    return rest < 0 ? rest + buckets : rest >= buckets ? rest - buckets : rest
  }
}

/** Buckets of KenLM's table for so many entries; the multiplier is in single precision. */
export function bucketsFor(entries: number, multiplier = 1.5): number {
  return Math.max(entries + 1, Math.trunc(Math.fround(Math.fround(multiplier) * Math.fround(entries))))
}
