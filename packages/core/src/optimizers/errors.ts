/** An optimiser that does not exist or cannot work. */
export class OptimizerError extends Error {
  readonly code = 'NEMO_OPTIMIZER'
  constructor(message: string) {
    super(`${message} [NEMO_OPTIMIZER]`)
    this.name = 'OptimizerError'
  }
}
