/** Numbers of `<unk>`, which also stands for what is before a sentence, `<s>` and `</s>`. */
export const [UNKNOWN, BEGIN, END] = [0, 1, 2] as const

const MARKERS = ['<unk>', '<s>', '</s>']
/** Bucket: number + 1, and the rest of the hash, by which most others are told apart without looking at them. */
const BUCKET = 2

/** Numbers words in the order in which they are first seen, by their bytes. */
export class WordTable {
  #buckets = new Int32Array(BUCKET * (1 << 12))
  #mask = (1 << 12) - 1
  #text = new Uint8Array(1 << 16)
  /** Where each word begins in the text, and where the last ends. */
  #starts = new Uint32Array(1 << 12)
  #size = 0

  constructor() {
    for (const marker of MARKERS) this.number(new TextEncoder().encode(marker), 0, marker.length)
  }

  /** Words so far. */
  get size(): number {
    return this.#size
  }

  /** Number of the word `bytes[start .. end)`, which is put if it is new. */
  number(bytes: Uint8Array, start: number, end: number): number {
    return this.#look(bytes, start, end, true)
  }

  /** Number of a word that is there, or -1. */
  find(bytes: Uint8Array, start: number, end: number): number {
    return this.#look(bytes, start, end, false)
  }

  #look(bytes: Uint8Array, start: number, end: number, put: boolean): number {
    let hash = 0x811c9dc5
    for (let i = start; i < end; i++) hash = Math.imul(hash ^ bytes[i]!, 0x01000193)
    hash ^= hash >>> 15
    hash = Math.imul(hash, 0x85ebca6b)
    hash ^= hash >>> 13
    const length = end - start
    for (let at = hash & this.#mask; ; at = (at + 1) & this.#mask) {
      const known = this.#buckets[BUCKET * at]! - 1
      if (known < 0) return put ? this.#put(at, hash, bytes, start, end) : -1
      if (this.#buckets[BUCKET * at + 1] !== hash) continue
      const begin = this.#starts[known]!
      if (this.#starts[known + 1]! - begin !== length) continue
      let i = 0
      while (i < length && this.#text[begin + i] === bytes[start + i]) i++
      if (i === length) return known
    }
  }

  /** The bytes of a word. */
  bytes(number: number): Uint8Array {
    return this.#text.subarray(this.#starts[number]!, this.#starts[number + 1]!)
  }

  #put(at: number, hash: number, bytes: Uint8Array, start: number, end: number): number {
    const number = this.#size++
    const begin = this.#starts[number]!
    const after = begin + end - start
    if (after > this.#text.length) this.#text = enlarged(this.#text, Math.max(after, 2 * this.#text.length))
    if (number + 2 > this.#starts.length) this.#starts = enlarged(this.#starts, 2 * this.#starts.length)
    for (let i = start; i < end; i++) this.#text[begin + i - start] = bytes[i]!
    this.#starts[number + 1] = after
    this.#buckets[BUCKET * at] = number + 1
    this.#buckets[BUCKET * at + 1] = hash
    if (2 * this.#size > this.#mask) this.#grow()
    return number
  }

  #grow(): void {
    const old = this.#buckets
    this.#mask = 2 * this.#mask + 1
    this.#buckets = new Int32Array(BUCKET * (this.#mask + 1))
    for (let from = 0; from < old.length; from += BUCKET) {
      if (old[from] === 0) continue
      let at = old[from + 1]! & this.#mask
      while (this.#buckets[BUCKET * at] !== 0) at = (at + 1) & this.#mask
      this.#buckets[BUCKET * at] = old[from]!
      this.#buckets[BUCKET * at + 1] = old[from + 1]!
    }
  }
}

function enlarged<A extends Uint8Array | Uint32Array>(array: A, length: number): A {
  const larger = new (array.constructor as new (length: number) => A)(length)
  larger.set(array)
  return larger
}
