import { TokenizerError } from './errors.js'
import type { Tokenizer } from './tokenizer.js'

/** What happens to characters that are no labels: left out and reported (as NeMo does, silently), or an error. */
export type UnknownCharacters = 'drop' | 'error'

/** Options of a character tokenizer. */
export interface CharTokenizerOptions {
  /** Fold to lower case before looking characters up. Default true, as NeMo's parsers. */
  readonly lowercase?: boolean
  /**
   * `join`: white space at the ends goes, runs of it within are one space. `keep`: as NeMo's parser, which trims too but
   * gives each space an id and knows tabs and line breaks only as labels. Default `join`.
   */
  readonly whitespace?: 'join' | 'keep'
  /** Default `drop`. */
  readonly unknown?: UnknownCharacters
}

/** Ids of a text, and the characters that have none. */
export interface CharEncoding {
  readonly ids: number[]
  /** Characters left out, in order. */
  readonly unknown: string[]
}

/**
 * Text as ids of its characters: id i is `labels[i]`. A label of several characters (`<noise>`) stands for a whole word
 * between spaces, never for a part of one.
 *
 * Source: NeMo v1.0.0 `CharParser`.
 */
export class CharTokenizer implements Tokenizer {
  readonly labels: readonly string[]
  readonly #ids: ReadonlyMap<string, number>
  readonly #lowercase: boolean
  readonly #whitespace: 'join' | 'keep'
  readonly #unknown: UnknownCharacters

  /** @throws TokenizerError for empty or repeated labels. */
  constructor(labels: readonly string[], options: CharTokenizerOptions = {}) {
    const ids = new Map<string, number>()
    for (const [id, label] of labels.entries()) {
      if (typeof label !== 'string' || label === '')
        throw new TokenizerError(`Label ${id}: expected a character, found ${JSON.stringify(label)}.`)
      if (ids.has(label))
        throw new TokenizerError(`Label ${id} repeats ${JSON.stringify(label)}, which is label ${ids.get(label)}.`)
      ids.set(label, id)
    }
    this.labels = [...labels]
    this.#ids = ids
    this.#lowercase = options.lowercase ?? true
    this.#whitespace = options.whitespace ?? 'join'
    this.#unknown = options.unknown ?? 'drop'
  }

  /** Number of labels. */
  get vocabSize(): number {
    return this.labels.length
  }

  /** Trims, folds case and, unless told to keep it, joins runs of white space. */
  normalize(text: string): string {
    const folded = (this.#lowercase ? text.toLowerCase() : text).trim()
    return this.#whitespace === 'join' ? folded.replace(/\s+/gu, ' ') : folded
  }

  /**
   * Ids of a text.
   *
   * @throws TokenizerError for a character without label, with `unknown: 'error'`.
   */
  encode(text: string): CharEncoding {
    const ids: number[] = []
    const unknown: string[] = []
    const add = (character: string): void => {
      const id = this.#ids.get(character)
      if (id === undefined) unknown.push(character)
      else ids.push(id)
    }
    for (const [i, word] of this.normalize(text).split(' ').entries()) {
      if (i > 0) add(' ')
      if (this.#ids.has(word)) add(word)
      else for (const character of word) add(character)
    }
    if (unknown.length > 0 && this.#unknown === 'error') {
      throw new TokenizerError(
        `Text ${JSON.stringify(text)} has characters outside the labels: ${[...new Set(unknown)].map((c) => JSON.stringify(c)).join(', ')}. Clean the text, add them to labels, or drop them.`,
      )
    }
    return { ids, unknown }
  }

  /** Text of ids: labels joined. */
  decode(ids: readonly number[]): string {
    return this.tokensToText(this.idsToTokens(ids))
  }

  /** @throws TokenizerError for a character without label, with `unknown: 'error'`. */
  textToTokens(text: string): string[] {
    return this.idsToTokens(this.textToIds(text))
  }

  /** @throws TokenizerError for a character without label, with `unknown: 'error'`. */
  textToIds(text: string): number[] {
    return this.encode(text).ids
  }

  tokensToText(tokens: readonly string[]): string {
    return tokens.join('')
  }

  /** As `decode`. */
  idsToText(ids: readonly number[]): string {
    return this.decode(ids)
  }

  /** @throws TokenizerError for what is no label. */
  tokensToIds(tokens: readonly string[]): number[] {
    return tokens.map((token) => {
      const id = this.#ids.get(token)
      if (id === undefined)
        throw new TokenizerError(`${JSON.stringify(token)} is none of the ${this.vocabSize} labels.`)
      return id
    })
  }

  idsToTokens(ids: readonly number[]): string[] {
    return ids.map((id) => {
      const label = this.labels[id]
      if (label === undefined) throw new TokenizerError(`Id ${id} is outside the ${this.labels.length} labels.`)
      return label
    })
  }
}
