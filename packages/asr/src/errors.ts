/** Input that a speech recogniser cannot use. */
export class AsrError extends Error {
  readonly code: string
  constructor(code: string, message: string, options?: ErrorOptions) {
    super(`${message} [${code}]`, options)
    this.name = 'AsrError'
    this.code = code
  }
}
