/** Some of a list's words: those that begin in the same way. */
export interface WordRange {
  readonly from: number
  /** Behind the last. */
  readonly to: number
  /** Characters that they share, in UTF-16 units. */
  readonly length: number
}

/** Finds which words of a list begin with what has been spelt, letter by letter. */
export class WordPrefixes {
  readonly #words: readonly string[]

  static readonly #made = new WeakMap<readonly string[], WordPrefixes>()

  /** Of a list that does not change: sorted once for all searches. */
  static of(words: readonly string[]): WordPrefixes {
    const known = WordPrefixes.#made.get(words)
    if (known) return known
    const made = new WordPrefixes(words)
    WordPrefixes.#made.set(words, made)
    return made
  }

  constructor(words: readonly string[]) {
    this.#words = [...words].sort((a, b) => (a < b ? -1 : a > b ? 1 : 0))
  }

  /** All words. */
  get all(): WordRange {
    return { from: 0, to: this.#words.length, length: 0 }
  }

  /** Those of a range that go on with a text; none if `from` is `to`. */
  extend(range: WordRange, text: string): WordRange {
    let { from, to, length } = range
    for (let i = 0; i < text.length && from < to; i++) {
      const code = text.charCodeAt(i)
      from = this.#first(from, to, length, code)
      to = this.#first(from, to, length, code + 1)
      length++
    }
    return { from, to, length }
  }

  // The first word of a range whose next unit is not below a code; words that end here come before all others.
  #first(from: number, to: number, at: number, code: number): number {
    let [low, high] = [from, to]
    while (low < high) {
      const middle = (low + high) >>> 1
      const word = this.#words[middle]!
      if (at < word.length && word.charCodeAt(at) >= code) high = middle
      else low = middle + 1
    }
    return low
  }
}
