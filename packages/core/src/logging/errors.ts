/** Bytes given to a logger or report are not the image or sound they should be. */
export class MediaFormatError extends Error {
  readonly code = 'NEMO_MEDIA_FORMAT'

  constructor(message: string) {
    super(message)
    this.name = 'MediaFormatError'
  }
}

/** A metrics logger cannot be started: its library is missing, or its service refused. */
export class MetricsLoggerError extends Error {
  readonly code = 'NEMO_METRICS_LOGGER'

  constructor(message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = 'MetricsLoggerError'
  }
}
