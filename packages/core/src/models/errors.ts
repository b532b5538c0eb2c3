/** A model that is used before it is set up, or a file that is no such model. */
export class ModelError extends Error {
  readonly code = 'NEMO_MODEL'
  constructor(message: string, options?: ErrorOptions) {
    super(`${message} [NEMO_MODEL]`, options)
    this.name = 'ModelError'
  }
}
