/**
 * Turns SIGINT and SIGTERM into a wish that the run can honour between two steps. A second signal ends the process the
 * usual way.
 */
export class Interrupts {
  #received: NodeJS.Signals | undefined
  readonly #handle = (signal: NodeJS.Signals) => {
    this.#received = signal
    this.#ignore()
  }

  /** Starts listening. */
  start(): void {
    this.#received = undefined
    process.on('SIGINT', this.#handle)
    process.on('SIGTERM', this.#handle)
  }

  /** Stops listening and forgets: the next signal has its usual effect. */
  stop(): void {
    this.#ignore()
    this.#received = undefined
  }

  #ignore(): void {
    process.off('SIGINT', this.#handle)
    process.off('SIGTERM', this.#handle)
  }

  /** The signal that came since `start`, if any. */
  get received(): NodeJS.Signals | undefined {
    return this.#received
  }
}
