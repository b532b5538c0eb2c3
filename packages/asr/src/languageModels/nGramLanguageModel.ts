import { NGramState } from './nGramState.js'

/** How a model stores its n-grams. */
export type NGramStorage =
  | 'probing'
  | 'rest-probing'
  | 'trie'
  | 'quantized-trie'
  | 'array-trie'
  | 'quantized-array-trie'

/** Whether a text is framed by `<s>` and `</s>`; both by default. */
export interface SentenceOptions {
  /** The text begins a sentence. Default true. */
  readonly bos?: boolean
  /** The text ends a sentence, which has its own probability. Default true. */
  readonly eos?: boolean
}

/** Score of one word of a text. */
export interface WordScore {
  readonly word: string
  /** The model's number of the word, 0 if it is unknown. */
  readonly id: number
  /** log10 P(word | words before it) */
  readonly log10Prob: number
  /** Order of the longest n-gram that matched. */
  readonly ngramLength: number
  readonly unknown: boolean
}

/** Perplexities of some texts. */
export interface Perplexity {
  /** 10 ^ -(mean log10 P), over all words and sentence ends. */
  readonly includingUnknown: number
  /** The same without unknown words. */
  readonly excludingUnknown: number
  readonly unknown: number
  /** Words, and sentence ends if they count. */
  readonly tokens: number
}

/**
 * An n-gram language model with backoff: P(w | h) is that of the longest n-gram known that ends in w, times the backoffs
 * of the longer histories. Numbers are log10 in single precision, as KenLM computes them.
 */
export abstract class NGramLanguageModel {
  abstract readonly storage: NGramStorage
  /** Longest n-gram. */
  readonly order: number
  /** N-grams of each order, shortest first. */
  readonly counts: readonly number[]
  #begin: NGramState | undefined

  constructor(counts: readonly number[]) {
    this.order = counts.length
    this.counts = counts
  }

  /** Number of a word; 0 for words that the model does not know. */
  abstract index(word: string): number

  /** Words by number, if the model stores them. */
  abstract words(): readonly string[] | undefined

  /**
   * log10 P(word | state), and the history with the word in `out`. This is what searches call: it makes no objects.
   *
   * @param word - Number of the word.
   * @param out - Overwritten; not `state` itself.
   */
  abstract scoreWord(state: NGramState, word: number, out: NGramState): number

  /** An object for histories. */
  newState(): NGramState {
    return new NGramState(this.order)
  }

  /** The history at the start of a sentence. Not to be overwritten. */
  get beginState(): NGramState {
    if (this.#begin) return this.#begin
    const begin = this.newState()
    this.scoreWord(this.newState(), this.index('<s>'), begin)
    // <s> stays even if nothing was seen to follow it.
    if (this.order > 1) begin.length = 1
    this.#begin = begin
    return begin
  }

  /** Scores of the words of a text, `</s>` last if it counts. Words are what stands between white space. */
  wordScores(text: string, options: SentenceOptions = {}): WordScore[] {
    const { bos = true, eos = true } = options
    const words = splitWords(text)
    if (eos) words.push('</s>')
    let state = bos ? this.beginState : this.newState()
    return words.map((word) => {
      const next = this.newState()
      const id = this.index(word)
      const log10Prob = this.scoreWord(state, id, next)
      state = next
      return { word, id, log10Prob, ngramLength: next.matched, unknown: id === 0 }
    })
  }

  /** log10 P of a text, added up in single precision. */
  score(text: string, options: SentenceOptions = {}): number {
    const { bos = true, eos = true } = options
    let state = this.newState()
    let next = this.newState()
    let total = 0
    let first = bos
    const add = (word: string): void => {
      total = Math.fround(total + this.scoreWord(first ? this.beginState : state, this.index(word), next))
      first = false
      const free = state
      state = next
      next = free
    }
    for (const word of splitWords(text)) add(word)
    if (eos) add('</s>')
    return total
  }

  /** Perplexity of texts, one sentence each. */
  perplexity(texts: Iterable<string>, options: SentenceOptions = {}): Perplexity {
    let [all, known, tokens, unknown] = [0, 0, 0, 0]
    for (const text of texts) {
      for (const score of this.wordScores(text, options)) {
        tokens++
        all += score.log10Prob
        // The end of a sentence is never a word that is not known.
        if (score.unknown && score.word !== '</s>') unknown++
        else known += score.log10Prob
      }
    }
    return {
      includingUnknown: 10 ** (-all / tokens),
      excludingUnknown: 10 ** (-known / (tokens - unknown)),
      unknown,
      tokens,
    }
  }
}

/** Words of a text: what stands between blanks, tabs, line ends and zero bytes. */
export function splitWords(text: string): string[] {
  return text.split(/[\0\t\n\r ]+/).filter((word) => word !== '')
}
