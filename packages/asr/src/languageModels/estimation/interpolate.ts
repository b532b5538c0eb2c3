import type { AdjustedCounts } from './adjustedCounts.js'
import { PRUNED } from './adjustedCounts.js'
import { BackoffSorter } from './backoffSorter.js'
import type { Discounts } from './discounts.js'
import { type RecordReader, RecordSpool, type ScratchFolder } from './recordSpool.js'
import { BEGIN, UNKNOWN } from './wordTable.js'

/** How probabilities are made of counts. */
export interface InterpolateOptions {
  readonly order: number
  /** By order. */
  readonly discounts: readonly Discounts[]
  readonly excluded: Uint8Array | undefined
  readonly words: number
  /** Interpolate words with the uniform distribution; otherwise what discounts take goes to `<unk>`. */
  readonly interpolateUnigrams: boolean
  /** Words that the uniform distribution is thought to have at least. */
  readonly vocabPad: number
  /** Bytes that each order's n-grams may take in memory. */
  readonly memory: number
  readonly scratch: ScratchFolder
}

/** An estimated model, n-grams in context order. */
export interface Interpolated {
  /** log10 P and log10 backoff of each word. */
  readonly unigrams: { readonly probs: Float32Array; readonly backoffs: Float32Array }
  /** From order 2 on: n-grams with log10 P, and their backoffs (not for the longest). */
  readonly orders: readonly { readonly probs: RecordSpool; readonly backoffs: RecordReader | undefined }[]
}

/**
 * Interpolated modified Kneser-Ney: p(w | h) = (c - D(c)) / sum of c + gamma(h) p(w | shorter h), where gamma gives out what
 * discounts and left-out n-grams took. All orders are gone through together, as n-grams in context order are neighbours of
 * those that back off to the same.
 *
 * Source: Chen & Goodman 1998; Heafield et al. 2013.
 */
export function interpolate(counts: AdjustedCounts, options: InterpolateOptions): Interpolated {
  const { order, words, memory, scratch } = options
  const unigrams = unigramProbabilities(counts, options)
  const log10Backoffs = new Float32Array(words)
  const levels = Array.from({ length: order - 1 }, (_, i): Level => {
    const n = i + 2
    return {
      order: n,
      discounts: options.discounts[n - 1]!,
      reader: counts.orders[n - 1]!.spool.read(),
      probs: new RecordSpool(n + 1, memory, scratch),
      lower: new Float64Array(0),
      own: n < order ? new Float64Array(words) : new Float64Array(0),
      context: new Int32Array(n - 1),
      followers: new Int32Array(64),
      counts: new Uint32Array(64),
      backoffs: n > 2 ? new BackoffSorter(n - 1, words, memory, scratch) : undefined,
      record: new Int32Array(n),
    }
  })
  for (const [i, level] of levels.entries()) level.lower = i === 0 ? unigrams : levels[i - 1]!.own
  if (levels[0]) while (!levels[0].reader.done) takeContext(levels, 0, log10Backoffs)
  const probs = Float32Array.from(unigrams, (p) => Math.log10(p))
  probs[BEGIN] = 0
  return {
    unigrams: { probs, backoffs: log10Backoffs },
    orders: levels.map((level, i) => ({ probs: level.probs, backoffs: levels[i + 1]?.backoffs?.finish() })),
  }
}

interface Level {
  readonly order: number
  readonly discounts: Discounts
  readonly reader: RecordReader
  readonly probs: RecordSpool
  /** Probabilities of words after the shorter context at hand, by word. */
  lower: Float64Array
  /** The same after this order's context. */
  readonly own: Float64Array
  readonly context: Int32Array
  followers: Int32Array
  counts: Uint32Array
  /** Of the contexts; those of single words are kept apart. */
  readonly backoffs: BackoffSorter | undefined
  readonly record: Int32Array
}

// One context with the words that follow it, then all longer contexts that end in it.
function takeContext(levels: readonly Level[], index: number, unigramBackoffs: Float32Array): void {
  const level = levels[index]!
  const { order, reader, discounts, context, lower, own, record } = level
  const contextWords = order - 1
  for (let i = 0; i < contextWords; i++) context[i] = reader.words[reader.at + i]!
  let size = 0
  let sum = 0
  let freed = 0
  do {
    const { words, at } = reader
    const stored = words[at + order]!
    const count = stored >= PRUNED ? stored - PRUNED : stored
    if (size === level.followers.length) enlarge(level)
    level.followers[size] = words[at + contextWords]!
    level.counts[size++] = stored
    sum += count
    freed += stored >= PRUNED ? count : discounts[Math.min(count, 3)]!
    reader.next()
  } while (!reader.done && sameContext(reader, context, contextWords, 0))
  const gamma = freed / sum
  const backoff = Math.log10(gamma)
  if (contextWords === 1) unigramBackoffs[context[0]!] = backoff
  else level.backoffs!.push(context, backoff)
  for (let i = 0; i < contextWords; i++) record[i] = context[i]!
  const further = levels[index + 1]
  for (let i = 0; i < size; i++) {
    const stored = level.counts[i]!
    if (stored >= PRUNED) continue
    const word = level.followers[i]!
    const p = (stored - discounts[Math.min(stored, 3)]!) / sum + gamma * lower[word]!
    if (further) own[word] = p
    record[contextWords] = word
    level.probs.pushFloat(record, Math.log10(p))
  }
  if (!further) return
  while (!further.reader.done && sameContext(further.reader, context, contextWords, 1))
    takeContext(levels, index + 1, unigramBackoffs)
}

function sameContext({ words, at }: RecordReader, context: Int32Array, size: number, skip: number): boolean {
  for (let i = size - 1; i >= 0; i--) if (words[at + skip + i] !== context[i]) return false
  return true
}

function enlarge(level: Level): void {
  const followers = new Int32Array(2 * level.followers.length)
  followers.set(level.followers)
  level.followers = followers
  const counts = new Uint32Array(2 * level.counts.length)
  counts.set(level.counts)
  level.counts = counts
}

function unigramProbabilities(counts: AdjustedCounts, options: InterpolateOptions): Float64Array {
  const { words, excluded, interpolateUnigrams, vocabPad } = options
  const discounts = options.discounts[0]!
  let sum = 0
  let freed = 0
  for (let word = 0; word < words; word++) {
    const count = counts.unigrams[word]!
    sum += count
    freed += excluded?.[word] ? count : discounts[Math.min(count, 3)]!
  }
  const gamma = freed / sum
  // All words of the model but <s>, which never comes.
  const uniform = interpolateUnigrams ? 1 / Math.max(vocabPad, counts.orders[0]!.kept - 1) : 0
  const probs = new Float64Array(words)
  for (let word = 0; word < words; word++) {
    const count = counts.unigrams[word]!
    probs[word] = (count - discounts[Math.min(count, 3)]!) / sum + gamma * uniform
  }
  if (!interpolateUnigrams) probs[UNKNOWN] = gamma
  return probs
}
