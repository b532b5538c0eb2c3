import { extendKey, keyHigh } from './nGramKey.js'
import { NGramLanguageModel, type NGramStorage } from './nGramLanguageModel.js'
import type { NGramState } from './nGramState.js'
import type { ProbingTable } from './probingTable.js'
import type { ProbingVocabulary } from './probingVocabulary.js'

/** Bits of -0, the backoff of an n-gram that nothing extends to the right. */
export const NO_EXTENSION = 0x80000000

/** What a model of hash tables is made of. */
export interface ProbingParts {
  readonly counts: readonly number[]
  readonly vocabulary: ProbingVocabulary
  /** Probability and backoff of each word, from `base` on. */
  readonly unigrams: { readonly words: Uint32Array; readonly floats: Float32Array; readonly base: number }
  /** Tables of the orders from 2 on; the last has no backoffs. */
  readonly tables: readonly ProbingTable[]
  /** Entries hold rest costs after the backoffs. */
  readonly rest: boolean
  /** Buckets per entry. */
  readonly multiplier: number
  readonly words: () => readonly string[] | undefined
}

/**
 * An n-gram model of hash tables, KenLM's default: n-grams by a 64-bit hash of their words' numbers. The sign bit of a
 * probability tells whether a longer n-gram ends in this one; without it the search can stop.
 */
export class ProbingModel extends NGramLanguageModel {
  readonly storage: NGramStorage
  readonly #parts: ProbingParts
  readonly #unigramStride: number

  constructor(parts: ProbingParts) {
    super(parts.counts)
    this.#parts = parts
    this.storage = parts.rest ? 'rest-probing' : 'probing'
    this.#unigramStride = parts.rest ? 3 : 2
  }

  /** What the model is made of, for writers. */
  get parts(): ProbingParts {
    return this.#parts
  }

  index(word: string): number {
    return this.#parts.vocabulary.index(word)
  }

  words(): readonly string[] | undefined {
    return this.#parts.words()
  }

  scoreWord(state: NGramState, word: number, out: NGramState): number {
    const { unigrams, tables } = this.#parts
    const at = (unigrams.base + word * this.#unigramStride) >>> 0
    const { words, backoffs } = out
    let prob = unigrams.floats[at]!
    let extends_ = unigrams.words[at]! < NO_EXTENSION
    let matched = 1
    words[0] = word
    backoffs[0] = unigrams.floats[at + 1]!
    let length = unigrams.words[at + 1] === NO_EXTENSION ? 0 : 1
    const history = state.length
    let low = word
    let high = 0
    const last = tables.length - 1
    for (let i = 0; i < history && extends_; i++) {
      low = extendKey(low, high, state.words[i]!)
      high = keyHigh[0]!
      const table = tables[i]!
      const found = table.find(low, high)
      if (found < 0) break
      prob = table.floats[found + 2]!
      matched = i + 2
      if (i === last) break
      extends_ = table.words[found + 2]! < NO_EXTENSION
      backoffs[i + 1] = table.floats[found + 3]!
      if (table.words[found + 3] !== NO_EXTENSION) length = matched
    }
    if (prob > 0) prob = -prob
    for (let i = matched - 1; i < history; i++) prob = Math.fround(prob + state.backoffs[i]!)
    for (let i = 1; i < length; i++) words[i] = state.words[i - 1]!
    out.length = length
    out.matched = matched
    return prob
  }
}
