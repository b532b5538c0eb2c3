/** Input that a language model's part cannot use. */
export class NlpError extends Error {
  readonly code: string
  constructor(code: string, message: string, options?: ErrorOptions) {
    super(`${message} [${code}]`, options)
    this.name = 'NlpError'
    this.code = code
  }
}
