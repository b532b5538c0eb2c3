/** A data set or its loader that cannot give what it was asked for. */
export class DataError extends Error {
  readonly code: string = 'NEMO_DATA'
  constructor(message: string, options?: ErrorOptions) {
    super(`${message} [NEMO_DATA]`, options)
    this.name = 'DataError'
  }
}

/** What a data set threw in a worker thread. */
export class DataWorkerError extends DataError {
  /**
   * @param original - Name, message and, if it has one, code of the error in the thread.
   */
  constructor(
    readonly original: {
      readonly name: string
      readonly message: string
      readonly code?: string
      readonly stack?: string
    },
  ) {
    const cause = Object.assign(new Error(original.message), original)
    super(`A data worker failed: ${original.name}: ${original.message}`, { cause })
    this.name = 'DataWorkerError'
  }
}
