import type { Anomaly } from './anomaly.js'

/** A loss or gradients that are no numbers: training stopped, the last checkpoint is still good. */
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

/** A trainer used or configured in a way that cannot work, or a step that failed. */
export class TrainerError extends Error {
  readonly code = 'NEMO_TRAINER'
  constructor(message: string, options?: ErrorOptions) {
    super(`${message} [NEMO_TRAINER]`, options)
    this.name = 'TrainerError'
  }
}

/** A run's checkpoint that cannot be gone on from: damaged, of another model, or of other settings. */
export class RunCheckpointError extends Error {
  readonly code = 'NEMO_RUN_CHECKPOINT'
  constructor(
    readonly path: string,
    message: string,
    options?: ErrorOptions,
  ) {
    super(`${path}: ${message} [NEMO_RUN_CHECKPOINT]`, options)
    this.name = 'RunCheckpointError'
  }
}

/** Does some work of a run; an error that it throws becomes a TrainerError that says where it was. */
export async function inContext<T>(where: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (cause) {
    throw new TrainerError(`${where} failed: ${cause instanceof Error ? cause.message : String(cause)}`, { cause })
  }
}

/** What `detect_anomaly` found: the op that made the first NaN or infinity of a step. */
export class AnomalyError extends Error {
  readonly code = 'NEMO_ANOMALY'
  constructor(
    readonly step: number,
    readonly anomaly: Anomaly,
    message: string,
  ) {
    super(`${message} [NEMO_ANOMALY]`)
    this.name = 'AnomalyError'
  }
}
