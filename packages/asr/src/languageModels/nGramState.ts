/**
 * The history of a sentence as an n-gram model sees it: the last words that can still matter, newest first. Two states
 * with the same words are the same history.
 */
export class NGramState {
  /** Words that count. */
  length = 0
  /** Their ids, newest first; those from `length` on mean nothing. */
  readonly words: number[]
  /** log10 of the backoff of the n-gram of the newest i + 1 words. */
  readonly backoffs: number[]
  /** Order of the n-gram that gave the newest word its probability. */
  matched = 0

  /** @param order - Order of the model. */
  constructor(order: number) {
    const size = Math.max(1, order - 1)
    this.words = new Array<number>(size).fill(0)
    this.backoffs = new Array<number>(size).fill(0.5)
    // Backoffs are floating-point from the start, so that engines keep them unboxed.
    this.backoffs.fill(0)
  }

  /** Equal for histories that are the same to the model. */
  get key(): string {
    let key = ''
    for (let i = 0; i < this.length; i++) key += `${this.words[i]} `
    return key
  }
}
