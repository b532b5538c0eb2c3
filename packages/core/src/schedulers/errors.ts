/** A learning-rate policy with settings that cannot work. */
export class SchedulerError extends Error {
  readonly code = 'NEMO_SCHEDULER'
  constructor(message: string) {
    super(`${message} [NEMO_SCHEDULER]`)
    this.name = 'SchedulerError'
  }
}
