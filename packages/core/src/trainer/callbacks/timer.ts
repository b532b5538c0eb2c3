import { getLogger } from '../../logging/logger.js'
import type { Callback, CallbackState } from '../callback.js'
import { durationSeconds } from '../duration.js'
import type { Trainer } from '../trainer.js'

/** Settings of the timer; Lightning's keys. */
export interface TimerOptions {
  /** Time for all of a run, in seconds or as `DD:HH:MM:SS`. Default: no limit. */
  readonly duration?: number | string | null
  /** Where training may end: after any batch, or at the end of an epoch. Default `step`. */
  readonly interval?: 'step' | 'epoch'
}

/**
 * Measures how long a run trains, all its parts together where it was resumed, and ends it when its time is over. The
 * trainer's `max_time` limits one call of `fit` instead.
 *
 * Source: Lightning v1.3 `Timer`.
 */
export class Timer implements Callback {
  readonly #duration: number
  readonly #interval: 'step' | 'epoch'
  #before = 0
  #started: number | undefined

  /** @throws TrainerError for a malformed duration. */
  constructor({ duration = null, interval = 'step' }: TimerOptions = {}) {
    this.#duration = duration === null ? Number.POSITIVE_INFINITY : durationSeconds(duration, 'Timer: duration')
    this.#interval = interval
  }

  /** Seconds that the run has trained so far. */
  get timeElapsed(): number {
    const now = this.#started === undefined ? 0 : (performance.now() - this.#started) / 1000
    return this.#before + now
  }

  /** Seconds that are left; Infinity without a limit. */
  get timeRemaining(): number {
    return this.#duration - this.timeElapsed
  }

  onFitStart(trainer: Trainer): void {
    this.#started = performance.now()
    this.#check(trainer)
  }

  onTrainBatchEnd(trainer: Trainer): void {
    if (this.#interval === 'step') this.#check(trainer)
  }

  onTrainEpochEnd(trainer: Trainer): void {
    this.#check(trainer)
  }

  onFitEnd(): void {
    this.#before = this.timeElapsed
    this.#started = undefined
  }

  #check(trainer: Trainer): void {
    if (this.timeRemaining > 0 || trainer.shouldStop) return
    getLogger('trainer').info(`the time of ${this.#duration} s is over; training ends`)
    trainer.shouldStop = true
  }

  state(): CallbackState {
    return { elapsed: this.timeElapsed }
  }

  loadState(state: CallbackState): void {
    this.#before = Number(state.elapsed)
  }
}
