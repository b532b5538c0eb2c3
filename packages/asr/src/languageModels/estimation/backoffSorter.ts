import { mergeRuns } from './mergeRuns.js'
import { contextOrder, sortRecords } from './recordSort.js'
import { type RecordReader, RecordSpool, type ScratchFolder } from './recordSpool.js'

const FIRST_RECORDS = 1 << 10

/** Brings the backoffs of n-grams from the order in which contexts come into that in which n-grams do, on disk if need be. */
export class BackoffSorter {
  readonly #order: number
  readonly #stride: number
  readonly #mostRecords: number
  readonly #largest: number
  readonly #scratch: ScratchFolder
  readonly #runs: RecordSpool[] = []
  #records: Uint32Array
  #floats: Float32Array
  #size = 0

  /**
   * @param order - Words of an n-gram.
   * @param words - Number of words there are.
   * @param memory - Bytes for records and sorting.
   */
  constructor(order: number, words: number, memory: number, scratch: ScratchFolder) {
    this.#order = order
    this.#stride = order + 1
    this.#largest = words - 1
    this.#scratch = scratch
    this.#mostRecords = Math.max(64, Math.floor(memory / (8 * this.#stride)))
    this.#records = new Uint32Array(Math.min(FIRST_RECORDS, this.#mostRecords) * this.#stride)
    this.#floats = new Float32Array(this.#records.buffer)
  }

  /** Takes the backoff of an n-gram. N-grams must come by their last word, then the one before, and so on. */
  push(words: Int32Array, backoff: number): void {
    if ((this.#size + 1) * this.#stride > this.#records.length) this.#makeRoom()
    const at = this.#size++ * this.#stride
    for (let i = 0; i < this.#order; i++) this.#records[at + i] = words[i]!
    this.#floats[at + this.#order] = backoff
  }

  #makeRoom(): void {
    if (this.#size >= this.#mostRecords) {
      const spool = new RecordSpool(this.#stride, 0, this.#scratch)
      const sorted = this.#sorted()
      const words = this.#order
      for (let i = 0, at = 0; i < this.#size; i++, at += this.#stride)
        spool.push(sorted.subarray(at, at + words), sorted[at + words]!)
      spool.spill()
      this.#runs.push(spool)
      this.#size = 0
      return
    }
    const larger = new Uint32Array(Math.min(2 * this.#size, this.#mostRecords) * this.#stride)
    larger.set(this.#records)
    this.#records = larger
    this.#floats = new Float32Array(larger.buffer)
  }

  // They are sorted by the last word, as sorting by it would leave them.
  #sorted(): Uint32Array {
    const columns = contextOrder(this.#order).slice(0, -1)
    return sortRecords(this.#records, this.#size, this.#stride, columns, this.#largest)
  }

  /** All of them, in context order. */
  finish(): RecordReader {
    const last = RecordSpool.of(this.#sorted(), this.#size, this.#stride, 0, this.#scratch)
    if (this.#runs.length === 0) return last.read()
    const merged = new RecordSpool(this.#stride, 0, this.#scratch)
    mergeRuns([...this.#runs, last], contextOrder(this.#order), ({ words, at }) => {
      merged.push(words.subarray(at, at + this.#order), words[at + this.#order]!)
    })
    return merged.read()
  }
}
