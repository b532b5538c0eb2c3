import { TokenizerError } from './errors.js'
import type { Tokenizer } from './tokenizer.js'

/** Special tokens of a word tokenizer; those that the vocabulary lacks are added behind it, in this order. */
export interface WordTokenizerOptions {
  readonly maskToken?: string
  readonly bosToken?: string
  readonly eosToken?: string
  readonly padToken?: string
  readonly sepToken?: string
  readonly clsToken?: string
  /** Stands for words outside the vocabulary. Without it they are an error. */
  readonly unkToken?: string
}

/**
 * Text as words between white space: id i is `vocabulary[i]`.
 *
 * Source: NeMo v1.0.0 `WordTokenizer`.
 */
export class WordTokenizer implements Tokenizer {
  /** All words, special tokens last. */
  readonly vocabulary: readonly string[]
  readonly specialTokens: ReadonlySet<string>
  readonly #ids: ReadonlyMap<string, number>
  readonly #unkToken: string | undefined

  /** @throws TokenizerError for empty or repeated words. */
  constructor(vocabulary: readonly string[], options: WordTokenizerOptions = {}) {
    const { maskToken, bosToken, eosToken, padToken, sepToken, clsToken, unkToken } = options
    const special = [maskToken, bosToken, eosToken, padToken, sepToken, clsToken, unkToken].filter(
      (token) => token !== undefined,
    )
    const ids = new Map<string, number>()
    for (const [id, word] of vocabulary.entries()) {
      if (word === '') throw new TokenizerError(`Word ${id}: expected a word, found an empty text.`)
      if (ids.has(word))
        throw new TokenizerError(`Word ${id} repeats ${JSON.stringify(word)}, which is word ${ids.get(word)}.`)
      ids.set(word, id)
    }
    for (const token of special) if (!ids.has(token)) ids.set(token, ids.size)
    this.vocabulary = [...ids.keys()]
    this.specialTokens = new Set(special)
    this.#ids = ids
    this.#unkToken = unkToken
  }

  get vocabSize(): number {
    return this.vocabulary.length
  }

  /** @throws TokenizerError for words outside the vocabulary, if there is no `unkToken`. */
  textToTokens(text: string): string[] {
    return words(text).map((word) => (this.#ids.has(word) ? word : this.#unknown(word)))
  }

  /** @throws TokenizerError for words outside the vocabulary, if there is no `unkToken`. */
  textToIds(text: string): number[] {
    return this.tokensToIds(this.textToTokens(text))
  }

  tokensToText(tokens: readonly string[]): string {
    return tokens.filter((token) => !this.specialTokens.has(token)).join(' ')
  }

  /** Words between spaces, special tokens left out. */
  idsToText(ids: readonly number[]): string {
    return this.tokensToText(this.idsToTokens(ids))
  }

  /** @throws TokenizerError for words outside the vocabulary, if there is no `unkToken`. */
  tokensToIds(tokens: readonly string[]): number[] {
    return tokens.map((token) => this.#ids.get(token) ?? this.#ids.get(this.#unknown(token))!)
  }

  idsToTokens(ids: readonly number[]): string[] {
    return ids.map((id) => {
      const word = this.vocabulary[id]
      if (word === undefined)
        throw new TokenizerError(`Id ${id} is outside the vocabulary: expected 0 to ${this.vocabSize - 1}.`)
      return word
    })
  }

  #unknown(word: string): string {
    if (this.#unkToken === undefined) {
      throw new TokenizerError(
        `Word ${JSON.stringify(word)} is outside the vocabulary of ${this.vocabSize} words. Add it, or give an unkToken to stand for such words.`,
      )
    }
    return this.#unkToken
  }
}

const words = (text: string): string[] => text.split(/\s+/u).filter((word) => word !== '')
