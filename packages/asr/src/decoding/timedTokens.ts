/** When something was said, in a recording's own time. */
export interface TimeSpan {
  /** Encoder frame it begins with, and the frame after its last. */
  readonly startFrame: number
  readonly endFrame: number
  /** Seconds from the start of the audio. */
  readonly start: number
  readonly end: number
}

/** A label of the model (a character or a piece of a word) as it was recognised. */
export interface TimedToken extends TimeSpan {
  readonly id: number
  /** Its part of the text; where it begins a word, with the space before it. */
  readonly text: string
  /** 0 to 1; see `ConfidenceConfig`. */
  readonly confidence: number
}

/** A word as it was recognised. */
export interface TimedWord extends TimeSpan {
  readonly word: string
  /** 0 to 1; see `ConfidenceConfig`. */
  readonly confidence: number
}

/** Puts tokens together to words, which end at white space. Tokens may arrive one by one. */
export class WordBuilder {
  readonly #aggregate: (parts: readonly number[]) => number
  #tokens: TimedToken[] = []
  #text = ''

  /** @param aggregate - A word's confidence from its tokens'. */
  constructor(aggregate: (parts: readonly number[]) => number) {
    this.#aggregate = aggregate
  }

  /** What is spelt of a word that may go on. */
  get pending(): string {
    return this.#text
  }

  /** Takes the next token. @returns the words that are complete now. */
  push(token: TimedToken): TimedWord[] {
    const words: TimedWord[] = []
    for (const [i, part] of token.text.split(/\s+/u).entries()) {
      if (i > 0) words.push(...this.finish())
      if (part === '') continue
      this.#text += part
      this.#tokens.push(token)
    }
    return words
  }

  /** Ends the word that is being spelt, if there is one. */
  finish(): TimedWord[] {
    const tokens = this.#tokens
    const word = this.#text
    this.#tokens = []
    this.#text = ''
    if (word === '') return []
    const [first, last] = [tokens[0]!, tokens.at(-1)!]
    const confidence = this.#aggregate(tokens.map((token) => token.confidence))
    const { startFrame, start } = first
    return [{ word, startFrame, endFrame: last.endFrame, start, end: last.end, confidence }]
  }
}

/** The words that tokens spell. */
export function wordsOf(tokens: readonly TimedToken[], aggregate: (parts: readonly number[]) => number): TimedWord[] {
  const builder = new WordBuilder(aggregate)
  return [...tokens.flatMap((token) => builder.push(token)), ...builder.finish()]
}
