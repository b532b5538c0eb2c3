import { AsrError } from '../../errors.js'
import type { ProbingModel } from '../probingModel.js'
import { ProbingModelBuilder } from '../probingModelBuilder.js'
import { writeLanguageModel } from '../writeLanguageModel.js'
import { AdjustedCounts } from './adjustedCounts.js'
import { ArpaWriter, type NGramSink } from './arpaWriter.js'
import { type DiscountFallback, defaultDiscountFallback, kneserNeyDiscounts } from './discounts.js'
import { type Interpolated, interpolate } from './interpolate.js'
import { NGramCounter } from './nGramCounter.js'
import { ScratchFolder } from './recordSpool.js'
import { BEGIN, END, UNKNOWN, WordTable } from './wordTable.js'

/** Text to estimate from, one sentence a line: pieces of text or of UTF-8 of any length. */
export type NGramCorpus = AsyncIterable<Uint8Array | string> | Iterable<Uint8Array | string>

/** Options of estimation; named after lmplz's. */
export interface EstimateOptions {
  /** Longest n-grams. */
  readonly order: number
  /**
   * N-grams seen so often or less are left out, by order; the last counts for all longer ones too. Words are never left out.
   * Default: all stay.
   */
  readonly prune?: readonly number[]
  /** Discounts for orders whose counts give none, or `true` for 0.5, 1 and 1.5. Default: an error. */
  readonly discountFallback?: boolean | DiscountFallback
  /** Interpolate words with the uniform distribution. Default true; otherwise `<unk>` gets what discounts took. */
  readonly interpolateUnigrams?: boolean
  /** Words that the uniform distribution is thought to have at least. Default 0. */
  readonly vocabPad?: number
  /** Words that the model knows; n-grams with others are left out. Default: all of the text. */
  readonly limitVocab?: Iterable<string>
  /** Skip `<s>`, `</s>` and `<unk>` in the text. Default: an error. */
  readonly skipSymbols?: boolean
  /** Bytes that counting and sorting may take, vocabulary and reading not included; what is more goes to disk. Default 1 GiB. */
  readonly memory?: number
  /** Folder for what does not fit. Default: the system's. */
  readonly temporaryFolder?: string
}

/** What was estimated. */
export interface EstimateStatistics {
  /** Words read. */
  readonly tokens: number
  /** Different words, `<unk>`, `<s>` and `</s>` included. */
  readonly types: number
  readonly orders: readonly {
    readonly order: number
    /** N-grams in the model, and in the text. */
    readonly kept: number
    readonly total: number
    /** Discounts of counts 1, 2, and 3 or more. */
    readonly discounts: DiscountFallback
    /** Whether they are the fallback. */
    readonly fallback: boolean
  }[]
  /** Bytes that went to disk meanwhile. */
  readonly spilledBytes: number
}

const DEFAULT_MEMORY = 2 ** 30
const LEAST_MEMORY = 2 ** 16

/**
 * Estimates an n-gram model with interpolated modified Kneser-Ney smoothing, as KenLM's lmplz does.
 *
 * @throws AsrError if the text is empty or has markers, or if discounts cannot be computed. RangeError for options that
 *   cannot be.
 */
export async function estimateNGrams(
  corpus: NGramCorpus,
  options: EstimateOptions,
): Promise<{ model: ProbingModel; statistics: EstimateStatistics }> {
  const sink = new ModelSink()
  const statistics = await estimate(corpus, options, sink)
  return { model: sink.model!, statistics }
}

/**
 * The same, written to a file: text if its name ends in `.arpa` or `.arpa.gz`, otherwise a probing binary. Text is written
 * in bounded memory; a binary is made in memory.
 */
export async function estimateNGramsToFile(
  corpus: NGramCorpus,
  path: string,
  options: EstimateOptions,
): Promise<EstimateStatistics> {
  if (!/\.arpa(\.gz)?$/.test(path)) {
    const { model, statistics } = await estimateNGrams(corpus, options)
    await writeLanguageModel(model, path)
    return statistics
  }
  const writer = new ArpaWriter(path)
  try {
    return await estimate(corpus, options, writer)
  } finally {
    writer.abandon()
  }
}

async function estimate(corpus: NGramCorpus, options: EstimateOptions, sink: NGramSink): Promise<EstimateStatistics> {
  const { order, memory = DEFAULT_MEMORY, discountFallback = false, vocabPad = 0 } = options
  if (!Number.isInteger(order) || order < 1 || order > 16)
    throw new RangeError(`order: expected 1 to 16, found ${order}.`)
  if (!(memory >= LEAST_MEMORY))
    throw new RangeError(`memory: expected at least ${LEAST_MEMORY} bytes, found ${memory}.`)
  const prune = thresholds(options.prune ?? [], order)
  const fallback = discountFallback === true ? defaultDiscountFallback : discountFallback || undefined
  const scratch = new ScratchFolder(options.temporaryFolder)
  try {
    const words = new WordTable()
    const counter = new NGramCounter(order, memory * 0.6, scratch)
    const tokens = await countCorpus(corpus, order, words, counter, options.skipSymbols ?? false)
    if (tokens === 0) throw new AsrError('NEMO_ASR_CORPUS', 'There is no word in the text to estimate from.')
    const excluded = options.limitVocab && excludedWords(words, options.limitVocab)
    const shared = { order, excluded, words: words.size, memory: (memory * 0.4) / (2 * order), scratch }
    const counts = new AdjustedCounts({ ...shared, prune })
    for (const reader = counter.finish().read(); !reader.done; reader.next())
      counts.take(reader.words, reader.at, reader.words[reader.at + order]!)
    counts.finish()
    const chosen = counts.orders.map(({ countsOfCounts }, i) => kneserNeyDiscounts(countsOfCounts, i + 1, fallback))
    const interpolated = interpolate(counts, {
      ...shared,
      discounts: chosen.map(({ discounts }) => discounts),
      interpolateUnigrams: options.interpolateUnigrams ?? true,
      vocabPad,
    })
    emit(interpolated, words, excluded, sink)
    return {
      tokens,
      types: words.size,
      orders: counts.orders.map(({ kept, total }, i) => {
        const [, ...discounts] = chosen[i]!.discounts
        return { order: i + 1, kept, total, discounts, fallback: chosen[i]!.fallback }
      }),
      spilledBytes: scratch.bytesWritten,
    }
  } finally {
    scratch.dispose()
  }
}

function thresholds(prune: readonly number[], order: number): number[] {
  if (prune.length > order) throw new RangeError(`prune: expected at most ${order} thresholds, found ${prune.length}.`)
  if (prune.some((value, i) => !Number.isInteger(value) || value < (i > 0 ? prune[i - 1]! : 0)))
    throw new RangeError(`prune: expected integers that do not decrease, found ${prune.join(', ')}.`)
  return Array.from({ length: order }, (_, i) => prune[i] ?? prune.at(-1) ?? 0)
}

const isSpace = (byte: number): boolean => byte === 32 || byte === 10 || byte === 9 || byte === 13 || byte === 0

// Counts the n-grams of all sentences and returns the number of words.
async function countCorpus(
  corpus: NGramCorpus,
  order: number,
  words: WordTable,
  counter: NGramCounter,
  skipSymbols: boolean,
): Promise<number> {
  const encoder = new TextEncoder()
  const window = new Int32Array(order)
  let tokens = 0
  let lines = 1
  const begin = (): void => {
    window.fill(UNKNOWN)
    window[order - 1] = BEGIN
  }
  const add = (word: number): void => {
    for (let i = 1; i < order; i++) window[i - 1] = window[i]!
    window[order - 1] = word
    counter.add(window)
  }
  const read = (bytes: Uint8Array, from: number, to: number): void => {
    let at = from
    while (at < to) {
      const byte = bytes[at]!
      if (isSpace(byte)) {
        if (byte === 10) {
          add(END)
          begin()
          lines++
        }
        at++
        continue
      }
      const start = at
      while (at < to && !isSpace(bytes[at]!)) at++
      const word = words.number(bytes, start, at)
      if (word <= END) {
        if (skipSymbols) continue
        throw new AsrError(
          'NEMO_ASR_CORPUS',
          `Line ${lines} of the text has the word ${new TextDecoder().decode(bytes.subarray(start, at))}, which has a meaning of its own in a model. Remove it, or set skipSymbols.`,
        )
      }
      add(word)
      tokens++
    }
  }
  begin()
  let rest: Uint8Array = new Uint8Array(0)
  let open = false
  for await (const piece of corpus) {
    let bytes = typeof piece === 'string' ? encoder.encode(piece) : piece
    if (bytes.length === 0) continue
    if (rest.length > 0) {
      const joined = new Uint8Array(rest.length + bytes.length)
      joined.set(rest)
      joined.set(bytes, rest.length)
      bytes = joined
    }
    // A word may go on in the next piece.
    let end = bytes.length
    while (end > 0 && !isSpace(bytes[end - 1]!)) end--
    read(bytes, 0, end)
    rest = bytes.slice(end)
    open = bytes.at(-1) !== 10
  }
  read(rest, 0, rest.length)
  if (open) add(END)
  return tokens
}

function excludedWords(words: WordTable, known: Iterable<string>): Uint8Array {
  const excluded = new Uint8Array(words.size).fill(1)
  excluded.fill(0, 0, END + 1)
  const encoder = new TextEncoder()
  for (const word of known) {
    const bytes = encoder.encode(word)
    const number = words.find(bytes, 0, bytes.length)
    if (number >= 0) excluded[number] = 0
  }
  return excluded
}

// Hands the model to a sink, order by order.
function emit({ unigrams, orders }: Interpolated, words: WordTable, excluded: Uint8Array | undefined, sink: NGramSink) {
  const numbers = Array.from({ length: words.size }, (_, i) => i).filter((word) => !excluded?.[word])
  sink.begin([numbers.length, ...orders.map(({ probs }) => probs.size)])
  sink.beginOrder(1)
  for (const word of numbers) {
    const backoff = orders.length > 0 ? unigrams.backoffs[word]! : undefined
    sink.add([words.bytes(word)], unigrams.probs[word]!, backoff)
  }
  for (const [i, { probs, backoffs }] of orders.entries()) {
    const order = i + 2
    const longest = i === orders.length - 1
    const texts = new Array<Uint8Array>(order)
    sink.beginOrder(order)
    for (const reader = probs.read(); !reader.done; reader.next()) {
      const { words: record, at } = reader
      for (let k = 0; k < order; k++) texts[k] = words.bytes(record[at + k]!)
      const backoff = longest ? undefined : backoffOf(backoffs!, record, at, order)
      sink.add(texts, reader.floats[at + order]!, backoff)
    }
  }
  sink.end()
}

// Backoffs come in the order of n-grams; some n-grams have none, and some backoffs are of n-grams that were left out.
function backoffOf(
  backoffs: { words: Uint32Array; floats: Float32Array; at: number; done: boolean; next(): void },
  record: Uint32Array,
  at: number,
  order: number,
): number {
  while (!backoffs.done) {
    const difference = compareInContextOrder(backoffs.words, backoffs.at, record, at, order)
    if (difference === 0) return backoffs.floats[backoffs.at + order]!
    if (difference > 0) return 0
    backoffs.next()
  }
  return 0
}

function compareInContextOrder(a: Uint32Array, aAt: number, b: Uint32Array, bAt: number, order: number): number {
  for (let i = order - 2; i >= 0; i--) {
    const difference = a[aAt + i]! - b[bAt + i]!
    if (difference !== 0) return difference
  }
  return a[aAt + order - 1]! - b[bAt + order - 1]!
}

// Makes a model in memory.
class ModelSink implements NGramSink {
  model: ProbingModel | undefined
  #builder: ProbingModelBuilder | undefined
  #order = 0

  begin(counts: readonly number[]): void {
    this.#builder = new ProbingModelBuilder(counts, {
      fail: (problem) => {
        throw new Error(`estimateNGrams: ${problem}`)
      },
      unknownLog10Prob: -100,
    })
  }

  beginOrder(order: number): void {
    this.#order = order
    this.#builder!.beginOrder(order)
  }

  add(words: readonly Uint8Array[], log10Prob: number, backoff = -0): void {
    const builder = this.#builder!
    // As reading it from text would have it.
    const stored = backoff === 0 ? -0 : backoff
    if (this.#order === 1) builder.addWord(words[0]!, log10Prob, stored)
    else
      builder.addNGram(
        words.map((word) => builder.indexOfBytes(word, 0, word.length)),
        log10Prob,
        stored,
      )
  }

  end(): void {
    this.model = this.#builder!.finish()
  }
}
