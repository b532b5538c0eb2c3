/**
 * Text to tokens and ids, and back.
 *
 * Source: NeMo v1.0.0 `TokenizerSpec`.
 */
export interface Tokenizer {
  /** Number of ids: 0 to `vocabSize - 1`. */
  readonly vocabSize: number
  /** Splits a text. */
  textToTokens(text: string): string[]
  /** Ids of a text. */
  textToIds(text: string): number[]
  /** Text of tokens. */
  tokensToText(tokens: readonly string[]): string
  /**
   * Text of ids.
   *
   * @throws TokenizerError for an id outside the vocabulary.
   */
  idsToText(ids: readonly number[]): string
  /** Ids of tokens. */
  tokensToIds(tokens: readonly string[]): number[]
  /**
   * Tokens of ids.
   *
   * @throws TokenizerError for an id outside the vocabulary.
   */
  idsToTokens(ids: readonly number[]): string[]
}
