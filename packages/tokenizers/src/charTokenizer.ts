import { TokenizerError } from './errors.js'

/** What happens to characters that are no labels: left out and reported (as NeMo does, silently), or an error. */
export type UnknownCharacters = 'drop' | 'error'

/** Options of a character tokenizer. */
export interface CharTokenizerOptions {
  /** Fold to lower case before looking characters up. Default true, as NeMo's parsers. */
  readonly lowercase?: boolean
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
 * Text as ids of its characters: id i is `labels[i]`. Labels may be longer than a character (`<sp>`); then the longest
 * that fits wins.
 *
 * Source: NeMo v1.0.0 `CharParser`.
 */
export class CharTokenizer {
  readonly labels: readonly string[]
  readonly #ids: ReadonlyMap<string, number>
  readonly #longest: number
  readonly #lowercase: boolean
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
    this.#longest = Math.max(1, ...labels.map((label) => [...label].length))
    this.#lowercase = options.lowercase ?? true
    this.#unknown = options.unknown ?? 'drop'
  }

  /** Number of labels. */
  get vocabSize(): number {
    return this.labels.length
  }

  /** Trims, folds case and joins runs of white space. */
  normalize(text: string): string {
    const folded = this.#lowercase ? text.toLowerCase() : text
    return folded.replace(/\s+/gu, ' ').trim()
  }

  /**
   * Ids of a text.
   *
   * @throws TokenizerError for a character without label, with `unknown: 'error'`.
   */
  encode(text: string): CharEncoding {
    const characters = [...this.normalize(text)]
    const ids: number[] = []
    const unknown: string[] = []
    for (let at = 0; at < characters.length; ) {
      let length = Math.min(this.#longest, characters.length - at)
      let id: number | undefined
      for (; length > 0 && id === undefined; length--) id = this.#ids.get(characters.slice(at, at + length).join(''))
      if (id === undefined) {
        unknown.push(characters[at]!)
        at++
      } else {
        ids.push(id)
        at += length + 1
      }
    }
    if (unknown.length > 0 && this.#unknown === 'error') {
      throw new TokenizerError(
        `Text ${JSON.stringify(text)} has characters outside the labels: ${[...new Set(unknown)].map((c) => JSON.stringify(c)).join(', ')}. Clean the text, add them to labels, or drop them.`,
      )
    }
    return { ids, unknown }
  }

  /** Text of ids; ids outside the labels are an error. */
  decode(ids: readonly number[]): string {
    return ids
      .map((id) => {
        const label = this.labels[id]
        if (label === undefined) throw new TokenizerError(`Id ${id} is outside the ${this.labels.length} labels.`)
        return label
      })
      .join('')
  }
}
