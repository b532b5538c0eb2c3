import { RecordSpool, type ScratchFolder } from './recordSpool.js'
import { BEGIN, UNKNOWN } from './wordTable.js'

/** Set in the last place of a record whose n-gram the model leaves out. */
export const PRUNED = 0x80000000

/** Counts of one order. */
export interface OrderCounts {
  /** N-grams in context order, each with its adjusted count; those left out are marked. None for order 1. */
  readonly spool: RecordSpool
  /** N-grams whose adjusted count is 0 (none), 1, 2, 3 and 4. */
  readonly countsOfCounts: number[]
  total: number
  kept: number
}

/** How counts are made. */
export interface AdjustedCountsOptions {
  readonly order: number
  /** N-grams seen so often or less are left out, by order. */
  readonly prune: readonly number[]
  /** Words that the model leaves out, by number. */
  readonly excluded: Uint8Array | undefined
  /** Number of words. */
  readonly words: number
  /** Bytes that each order's n-grams may take in memory. */
  readonly memory: number
  readonly scratch: ScratchFolder
}

/**
 * Kneser-Ney's counts of all orders from the n-grams of the longest: the longest ones, and those that begin a sentence, count
 * as often as they were seen; others as many times as there are different words before them.
 *
 * N-grams come in context order, so those that end alike are in one stretch, over which the next shorter ones are summed up.
 */
export class AdjustedCounts {
  readonly orders: OrderCounts[]
  /** Adjusted counts of words. */
  readonly unigrams: Float64Array
  /** How often each word was seen. */
  readonly seen: Float64Array
  readonly #options: AdjustedCountsOptions
  readonly #levels: (Level | undefined)[]

  constructor(options: AdjustedCountsOptions) {
    this.#options = options
    const { order, words, memory, scratch } = options
    this.unigrams = new Float64Array(words)
    this.seen = new Float64Array(words)
    this.orders = Array.from({ length: order }, (_, i) => ({
      spool: new RecordSpool(i + 2, memory, scratch),
      countsOfCounts: [0, 0, 0, 0, 0],
      total: 0,
      kept: 0,
    }))
    this.#levels = Array.from({ length: order + 1 }, (_, n) => (n < 3 ? undefined : new Level(n, words)))
  }

  /** Takes an n-gram of the longest order; its words are `words[at ..]`. */
  take(words: Uint32Array, at: number, count: number): void {
    this.#take(this.#options.order, words, at, count, count)
  }

  /** Ends the counting. */
  finish(): void {
    const { order, words, excluded } = this.#options
    for (let n = order; n >= 3; n--) this.#flush(n)
    const first = this.orders[0]!
    for (let word = 0; word < words; word++) {
      const count = this.unigrams[word]!
      if (count >= 1 && count <= 4) first.countsOfCounts[count]!++
      first.total++
      if (!excluded?.[word]) first.kept++
    }
  }

  #take(n: number, words: ArrayLike<number>, at: number, seen: number, lefts: number): void {
    const { order, prune, excluded } = this.#options
    if (n === 1) {
      const word = words[at]!
      this.unigrams[word] = seen
      this.seen[word] = seen
      return
    }
    const first = words[at]!
    // What is before a sentence makes no n-gram, but carries the shorter ones.
    if (first !== UNKNOWN) {
      const count = n === order || first === BEGIN ? seen : lefts
      const counts = this.orders[n - 1]!
      counts.total++
      if (count <= 4) counts.countsOfCounts[count]!++
      let pruned = seen <= prune[n - 1]!
      if (excluded) for (let i = 0; i < n; i++) pruned ||= excluded[words[at + i]!] === 1
      if (!pruned) counts.kept++
      const record = this.#recordOf(n)
      for (let i = 0; i < n; i++) record[i] = words[at + i]!
      counts.spool.push(record, pruned ? count + PRUNED : count)
    }
    if (n === 2) {
      const word = words[at + 1]!
      this.unigrams[word]!++
      this.seen[word]! += seen
      return
    }
    const level = this.#levels[n]!
    const { key } = level
    let i = 0
    while (i < n - 2 && key[i] === words[at + 1 + i]) i++
    if (i < n - 2) {
      this.#flush(n)
      for (let k = 0; k < n - 2; k++) key[k] = words[at + 1 + k]!
    }
    level.add(words[at + n - 1]!, seen)
  }

  readonly #records: number[][] = []
  #recordOf(n: number): number[] {
    this.#records[n] ??= new Array<number>(n).fill(0)
    return this.#records[n]
  }

  // Passes the sums of a stretch on to the next shorter order.
  #flush(n: number): void {
    const level = this.#levels[n]!
    const { key, seen, lefts } = level
    const touched = level.sorted()
    for (let i = 0; i < level.size; i++) {
      const word = touched[i]!
      key[n - 2] = word
      this.#take(n - 1, key, 0, seen[word]!, lefts[word]!)
      seen[word] = 0
      lefts[word] = 0
    }
    level.size = 0
    level.ascending = true
  }
}

// Sums over n-grams of order n that share all words but the first and the last, by the last.
class Level {
  /** The words shared, and room for the last. */
  readonly key: Int32Array
  readonly seen: Float64Array
  readonly lefts: Uint32Array
  touched = new Int32Array(64)
  size = 0
  ascending = true

  constructor(n: number, words: number) {
    this.key = new Int32Array(n - 1).fill(-1)
    this.seen = new Float64Array(words)
    this.lefts = new Uint32Array(words)
  }

  add(word: number, seen: number): void {
    this.seen[word]! += seen
    if (++this.lefts[word]! > 1) return
    if (this.size === this.touched.length) {
      const larger = new Int32Array(2 * this.size)
      larger.set(this.touched)
      this.touched = larger
    }
    if (this.size > 0 && word < this.touched[this.size - 1]!) this.ascending = false
    this.touched[this.size++] = word
  }

  sorted(): Int32Array {
    if (!this.ascending) this.touched.subarray(0, this.size).sort()
    return this.touched
  }
}
