import { hashHigh, murmurHash64A } from './murmurHash64A.js'
import { extendKey, keyHigh, keyOf } from './nGramKey.js'
import { NO_EXTENSION, ProbingModel } from './probingModel.js'
import { bucketsFor, ProbingTable } from './probingTable.js'
import { isUnknownWord, ProbingVocabulary } from './probingVocabulary.js'

const MULTIPLIER = 1.5
// Tables begin no larger than this and grow, so that a file that declares more than it holds costs nothing.
const FIRST_ENTRIES = 1 << 20
/** Share of buckets in use from which a table grows. */
const FULL = 0.8

/** What a builder is told. */
export interface ProbingModelBuilderOptions {
  /** Throws an error that tells where the n-gram came from. */
  fail(problem: string): never
  /** log10 P of unknown words if `<unk>` never comes. */
  readonly unknownLog10Prob: number
}

/**
 * Makes a model of hash tables from n-grams that come order by order: the unigrams, then the bigrams, and so on. An n-gram
 * whose suffix never came gets it filled in, with the probability that backing off gives.
 */
export class ProbingModelBuilder {
  readonly #options: ProbingModelBuilderOptions
  readonly #order: number
  readonly #declared: readonly number[]
  readonly #vocabulary: ProbingVocabulary
  readonly #words: string[] = ['<unk>']
  #unigrams: { words: Uint32Array; floats: Float32Array }
  readonly #tables: ProbingTable[] = []
  readonly #entries: number[] = []
  #sawUnknown = false

  /** @param counts - N-grams of each order that will come. */
  constructor(counts: readonly number[], options: ProbingModelBuilderOptions) {
    this.#options = options
    this.#order = counts.length
    this.#declared = counts
    const words = Math.min(counts[0]!, FIRST_ENTRIES)
    this.#vocabulary = new ProbingVocabulary(ProbingTable.empty(1, bucketsFor(words, MULTIPLIER)))
    this.#unigrams = unigramMemory(words + 2)
    this.#setUnigram(0, options.unknownLog10Prob, 0)
    this.#entries[0] = 0
  }

  /** Number of a word that came; 0 for others. */
  index(word: string): number {
    return this.#vocabulary.index(word)
  }

  /** Must be called before the n-grams of each order. */
  beginOrder(order: number): void {
    if (order === 1) return
    if (order === 2) this.#fitVocabulary()
    const payload = order === this.#order ? 1 : 2
    const expected = Math.min(this.#declared[order - 1]!, FIRST_ENTRIES)
    this.#tables[order - 2] = ProbingTable.empty(payload, bucketsFor(expected, MULTIPLIER))
    this.#entries[order - 1] = 0
  }

  /** Adds a unigram. Numbers are given in the order of coming; `<unk>` is 0. */
  addWord(word: Uint8Array, log10Prob: number, backoff: number): void {
    this.#entries[0]!++
    if (isUnknownWord(word, 0, word.length)) {
      if (this.#sawUnknown) this.#options.fail('the word <unk> comes twice.')
      this.#sawUnknown = true
      this.#setUnigram(0, log10Prob, backoff)
      return
    }
    const low = murmurHash64A(word, 0, word.length)
    const high = hashHigh[0]!
    const { table } = this.#vocabulary
    if (table.find(low, high) >= 0) this.#options.fail(`the word ${new TextDecoder().decode(word)} comes twice.`)
    const id = this.#words.length
    if (id > FULL * table.buckets) this.#vocabulary.table = table.grown(bucketsFor(id * 2, MULTIPLIER))
    const at = this.#vocabulary.table.insert(low, high)
    this.#vocabulary.table.words[at + 2] = id
    this.#words.push(new TextDecoder().decode(word))
    if (2 * id + 4 > this.#unigrams.words.length) {
      const larger = unigramMemory(2 * id + 2)
      larger.words.set(this.#unigrams.words)
      this.#unigrams = larger
    }
    this.#setUnigram(id, log10Prob, backoff)
  }

  /** Number of the word `bytes[start .. end)`; fails for a word that is no unigram. */
  indexOfBytes(bytes: Uint8Array, start: number, end: number): number {
    const id = this.#vocabulary.indexOfBytes(bytes, start, end)
    if (id === 0 && !isUnknownWord(bytes, start, end))
      this.#options.fail(
        `the word ${JSON.stringify(new TextDecoder().decode(bytes.subarray(start, end)))} is not among the unigrams.`,
      )
    return id
  }

  /** Adds an n-gram of the present order, by its words' numbers, first word first. */
  addNGram(ids: readonly number[], log10Prob: number, backoff: number): void {
    const order = ids.length
    this.#markContext(ids)
    const suffix = keyOf(ids, 1)
    const suffixHigh = keyHigh[0]!
    this.#markSuffix(ids, suffix, suffixHigh)
    const low = extendKey(suffix, suffixHigh, ids[0]!)
    const high = keyHigh[0]!
    if (this.#table(order).find(low, high) >= 0) this.#options.fail(`the n-gram ${this.#text(ids)} comes twice.`)
    this.#put(order, low, high, log10Prob, backoff)
  }

  /** The model. */
  finish(): ProbingModel {
    if (this.#order === 1) this.#fitVocabulary()
    // N-grams that were filled in take free buckets, and are not counted unless they need more.
    const counts = this.#entries.map((entries, i) => {
      const declared = this.#declared[i]!
      return entries < bucketsFor(declared, MULTIPLIER) ? declared : entries
    })
    const tables = this.#tables.map((table, i) => {
      const buckets = bucketsFor(counts[i + 1]!, MULTIPLIER)
      return table.buckets === buckets ? table : table.grown(buckets)
    })
    const words = this.#words
    return new ProbingModel({
      counts,
      vocabulary: this.#vocabulary,
      unigrams: { ...this.#unigrams, base: 0 },
      tables,
      rest: false,
      multiplier: MULTIPLIER,
      words: () => words,
    })
  }

  // As many buckets as KenLM has for so many unigrams, now that they are known.
  #fitVocabulary(): void {
    const buckets = bucketsFor(this.#words.length - (this.#sawUnknown ? 0 : 1), MULTIPLIER)
    if (this.#vocabulary.table.buckets !== buckets) this.#vocabulary.table = this.#vocabulary.table.grown(buckets)
  }

  #setUnigram(id: number, log10Prob: number, backoff: number): void {
    const { words, floats } = this.#unigrams
    floats[2 * id] = log10Prob
    // The sign says that nothing longer ends in it, until something does.
    words[2 * id]! |= NO_EXTENSION
    floats[2 * id + 1] = backoff
  }

  #table(order: number): ProbingTable {
    return this.#tables[order - 2]!
  }

  #put(order: number, low: number, high: number, log10Prob: number, backoff: number): void {
    const entries = ++this.#entries[order - 1]!
    let table = this.#table(order)
    if (entries > FULL * table.buckets) {
      table = table.grown(bucketsFor(2 * entries, MULTIPLIER))
      this.#tables[order - 2] = table
    }
    const at = table.insert(low, high)
    table.floats[at + 2] = log10Prob
    if (order < this.#order) {
      table.words[at + 2]! |= NO_EXTENSION
      table.floats[at + 3] = backoff
    }
  }

  // The n-gram without its last word must be there; it gets a backoff that says that longer ones begin so.
  #markContext(ids: readonly number[]): void {
    const order = ids.length
    if (order === 2) {
      extended(this.#unigrams, 2 * ids[0]! + 1)
      return
    }
    const low = keyOf(ids, 0, order - 1)
    const table = this.#table(order - 1)
    const at = table.find(low, keyHigh[0]!)
    if (at < 0)
      this.#options.fail(
        `the n-gram ${this.#text(ids)} is there without its context ${this.#text(ids.slice(0, -1))}, which is needed for backing off.`,
      )
    extended(table, at + 3)
  }

  // The n-gram without its first word; where it is missing, it and all shorter ones that are missing are filled in.
  #markSuffix(ids: readonly number[], low: number, high: number): void {
    const order = ids.length - 1
    if (order === 1) {
      this.#unigrams.words[2 * ids[1]!]! &= ~NO_EXTENSION
      return
    }
    const table = this.#table(order)
    const at = table.find(low, high)
    if (at >= 0) {
      table.words[at + 2]! &= ~NO_EXTENSION
      return
    }
    this.#fillIn(ids.slice(1))
  }

  // Puts a missing n-gram and returns its probability: that of its suffix and the backoff of its context.
  #fillIn(ids: readonly number[]): number {
    const order = ids.length
    let prob: number
    if (order === 2) {
      const at = 2 * ids[1]!
      this.#unigrams.words[at]! &= ~NO_EXTENSION
      prob = -Math.abs(this.#unigrams.floats[at]!)
    } else {
      const suffix = keyOf(ids, 1)
      const at = this.#table(order - 1).find(suffix, keyHigh[0]!)
      if (at < 0) prob = this.#fillIn(ids.slice(1))
      else {
        const table = this.#table(order - 1)
        table.words[at + 2]! &= ~NO_EXTENSION
        prob = -Math.abs(table.floats[at + 2]!)
      }
    }
    prob = Math.fround(prob + this.#backoffOf(ids.slice(0, -1)))
    const low = keyOf(ids)
    const high = keyHigh[0]!
    this.#put(order, low, high, prob, -0)
    const table = this.#table(order)
    table.words[table.find(low, high) + 2]! &= ~NO_EXTENSION
    return prob
  }

  // Backoff of a context of something filled in, which extends it.
  #backoffOf(context: readonly number[]): number {
    if (context.length === 1) return extended(this.#unigrams, 2 * context[0]! + 1)
    const table = this.#table(context.length)
    const low = keyOf(context)
    return extended(table, table.find(low, keyHigh[0]!) + 3)
  }

  #text(ids: readonly number[]): string {
    return JSON.stringify(ids.map((id) => this.#words[id]).join(' '))
  }
}

// A backoff of -0 becomes 0: something longer begins so.
function extended({ words, floats }: { words: Uint32Array; floats: Float32Array }, at: number): number {
  if (words[at] === NO_EXTENSION) words[at] = 0
  return floats[at]!
}

function unigramMemory(entries: number): { words: Uint32Array; floats: Float32Array } {
  const memory = new ArrayBuffer(8 * entries)
  return { words: new Uint32Array(memory), floats: new Float32Array(memory) }
}
