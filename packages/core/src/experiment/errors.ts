/** Base of the errors about experiment folders. `code` is stable. */
export class ExperimentError extends Error {
  /** Stable identifier, for example `NEMO_EXPERIMENT_RESUME`. */
  readonly code: string

  constructor(code: string, message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = new.target.name
    this.code = code
  }
}

/** The options of an experiment contradict each other or name a folder that cannot be used. */
export class ExperimentFolderError extends ExperimentError {
  constructor(message: string, options?: ErrorOptions) {
    super('NEMO_EXPERIMENT_FOLDER', message, options)
  }
}

/** A run was asked to resume and cannot: no checkpoint, several, or one that says it has ended. */
export class ExperimentResumeError extends ExperimentError {
  constructor(message: string) {
    super('NEMO_EXPERIMENT_RESUME', message)
  }
}

/** A trainer has loggers already, and the experiment was asked to make some. NeMo's name. */
export class LoggerMisconfigurationError extends ExperimentError {
  constructor(message: string) {
    super('NEMO_EXPERIMENT_LOGGER', message)
  }
}

/** A trainer writes checkpoints already, and the experiment was asked to. NeMo's name. */
export class CheckpointMisconfigurationError extends ExperimentError {
  constructor(message: string) {
    super('NEMO_EXPERIMENT_CHECKPOINT', message)
  }
}
