/** Input that a part of speech synthesis cannot use. */
export class TtsError extends Error {
  readonly code: string
  constructor(code: string, message: string, options?: ErrorOptions) {
    super(`${message} [${code}]`, options)
    this.name = 'TtsError'
    this.code = code
  }
}
