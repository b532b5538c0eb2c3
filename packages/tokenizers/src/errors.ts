/** Text or labels that a tokenizer cannot take. */
export class TokenizerError extends Error {
  readonly code = 'NEMO_TOKENIZER'
  constructor(message: string) {
    super(`${message} [NEMO_TOKENIZER]`)
    this.name = 'TokenizerError'
  }
}
