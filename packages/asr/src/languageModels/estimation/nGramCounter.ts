import { mergeRuns } from './mergeRuns.js'
import { contextOrder, sortRecords } from './recordSort.js'
import { RecordSpool, type ScratchFolder } from './recordSpool.js'

const FIRST_CAPACITY = 1 << 14
const FULL = 0.7
/** Longest typed array that we ask for, in numbers. */
const LONGEST_ARRAY = 2 ** 31

/**
 * Counts n-grams in a hash table. A table that has grown to its share of memory is sorted and written away, and the next
 * begins; in the end all are merged.
 */
export class NGramCounter {
  readonly #order: number
  readonly #stride: number
  readonly #memory: number
  readonly #scratch: ScratchFolder
  readonly #runs: RecordSpool[] = []
  readonly #mostCapacity: number
  #records: Uint32Array
  #capacity: number
  #scale: number
  #size = 0
  #largest = 0

  /** @param memory - Bytes that table and sorting may take together. */
  constructor(order: number, memory: number, scratch: ScratchFolder) {
    this.#order = order
    this.#stride = order + 1
    this.#memory = memory
    this.#scratch = scratch
    // Sorting needs as much again as the records in use.
    const records = Math.floor(memory / (4 * this.#stride * (1 + FULL)))
    this.#mostCapacity = Math.max(64, Math.min(records, Math.floor(LONGEST_ARRAY / this.#stride)))
    this.#capacity = Math.min(FIRST_CAPACITY, this.#mostCapacity)
    this.#scale = this.#capacity / 2 ** 32
    this.#records = new Uint32Array(this.#capacity * this.#stride)
  }

  /** Counts the n-gram `words[0 .. order)` once more. */
  add(words: Int32Array): void {
    const order = this.#order
    const records = this.#records
    const stride = this.#stride
    let hash = 0
    for (let i = 0; i < order; i++) {
      hash = Math.imul(hash ^ words[i]!, 0x9e3779b1)
      hash ^= hash >>> 15
    }
    hash = Math.imul(hash, 0x85ebca77)
    hash ^= hash >>> 13
    const end = this.#capacity * stride
    let at = Math.floor((hash >>> 0) * this.#scale) * stride
    for (;;) {
      if (records[at + order] === 0) break
      let i = 0
      while (i < order && records[at + i] === words[i]) i++
      if (i === order) {
        records[at + order]!++
        return
      }
      at += stride
      if (at === end) at = 0
    }
    for (let i = 0; i < order; i++) records[at + i] = words[i]!
    records[at + order] = 1
    const last = words[order - 1]!
    if (last > this.#largest) this.#largest = last
    if (++this.#size > FULL * this.#capacity) this.#grow()
  }

  #grow(): void {
    if (this.#capacity === this.#mostCapacity) {
      const sorted = this.#sorted()
      const spool = new RecordSpool(this.#stride, 0, this.#scratch)
      const width = this.#order
      for (let i = 0, at = 0; i < this.#size; i++, at += this.#stride)
        spool.push(sorted.subarray(at, at + width), sorted[at + width]!)
      spool.spill()
      this.#runs.push(spool)
      this.#size = 0
      this.#records.fill(0)
      return
    }
    const old = this.#records
    const { stride, order } = { stride: this.#stride, order: this.#order }
    this.#capacity = Math.min(2 * this.#capacity, this.#mostCapacity)
    this.#scale = this.#capacity / 2 ** 32
    const records = new Uint32Array(this.#capacity * stride)
    const end = records.length
    for (let from = 0; from < old.length; from += stride) {
      if (old[from + order] === 0) continue
      let hash = 0
      for (let i = 0; i < order; i++) {
        hash = Math.imul(hash ^ old[from + i]!, 0x9e3779b1)
        hash ^= hash >>> 15
      }
      hash = Math.imul(hash, 0x85ebca77)
      hash ^= hash >>> 13
      let at = Math.floor((hash >>> 0) * this.#scale) * stride
      while (records[at + order] !== 0) {
        at += stride
        if (at === end) at = 0
      }
      for (let i = 0; i < stride; i++) records[at + i] = old[from + i]!
    }
    this.#records = records
  }

  // The records at hand in context order. What was in the table is overwritten.
  #sorted(): Uint32Array {
    const records = this.#records
    const stride = this.#stride
    let to = 0
    for (let from = 0; to < this.#size * stride; from += stride) {
      if (records[from + this.#order] === 0) continue
      for (let i = 0; i < stride; i++) records[to + i] = records[from + i]!
      to += stride
    }
    return sortRecords(records, this.#size, stride, contextOrder(this.#order), this.#largest)
  }

  /** All n-grams and their counts in context order. The counter is of no use after that. */
  finish(): RecordSpool {
    const sorted = this.#sorted()
    const last = RecordSpool.of(sorted, this.#size, this.#stride, 0, this.#scratch)
    this.#records = new Uint32Array(0)
    if (this.#runs.length === 0) return last
    const width = this.#order
    const columns = contextOrder(width)
    const merged = new RecordSpool(this.#stride, Math.floor(this.#memory / 4), this.#scratch)
    const pending = new Uint32Array(width)
    let count = 0
    mergeRuns([...this.#runs, last], columns, ({ words, at }) => {
      let i = 0
      while (i < width && pending[i] === words[at + i]) i++
      if (i < width) {
        if (count > 0) merged.push(pending, count)
        for (let k = 0; k < width; k++) pending[k] = words[at + k]!
        count = 0
      }
      count += words[at + width]!
    })
    if (count > 0) merged.push(pending, count)
    return merged
  }
}
