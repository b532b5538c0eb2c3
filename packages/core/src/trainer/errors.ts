/** A loss that is no number: training stopped, the last checkpoint is still good. */
export class NonFiniteLossError extends Error {
  readonly code = 'NEMO_NON_FINITE_LOSS'
  constructor(
    readonly step: number,
    readonly loss: number,
    message: string,
  ) {
    super(`${message} [NEMO_NON_FINITE_LOSS]`)
    this.name = 'NonFiniteLossError'
  }
}

/** A trainer used or configured in a way that cannot work. */
export class TrainerError extends Error {
  readonly code = 'NEMO_TRAINER'
  constructor(message: string, options?: ErrorOptions) {
    super(`${message} [NEMO_TRAINER]`, options)
    this.name = 'TrainerError'
  }
}
