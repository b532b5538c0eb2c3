/** A graph of module calls, or an action on it, that cannot work. */
export class NeuralFactoryError extends Error {
  readonly code = 'NEMO_NEURAL_FACTORY'
  constructor(message: string, options?: ErrorOptions) {
    super(`${message} [NEMO_NEURAL_FACTORY]`, options)
    this.name = 'NeuralFactoryError'
  }
}
