import type { Model } from '../../models/model.js'
import type { Callback, CallbackState, Metrics } from '../callback.js'
import { TrainerError } from '../errors.js'
import type { Trainer } from '../trainer.js'

/** Settings of early stopping; Lightning's keys. */
export interface EarlyStoppingOptions {
  /** Metric that decides. Default `val_loss`. */
  readonly monitor?: string
  /** Whether small or large values are good. Default `min`. */
  readonly mode?: 'min' | 'max'
  /** Validations without improvement before training ends. Default 3. */
  readonly patience?: number
  /** Improvements up to this size do not count. Default 0. */
  readonly min_delta?: number
  /** Value that is good enough to end at once. */
  readonly stopping_threshold?: number
  /** Value beyond which, on the bad side, training ends at once. */
  readonly divergence_threshold?: number
  /** End at once when the metric is NaN or infinite. Default true. */
  readonly check_finite?: boolean
}

/** Ends training when a metric no longer improves. Off during `fast_dev_run`. */
export class EarlyStopping implements Callback {
  #best: number | undefined
  #waited = 0
  #last: number | undefined
  readonly #options: Required<Omit<EarlyStoppingOptions, 'stopping_threshold' | 'divergence_threshold'>> & {
    readonly stopping_threshold: number | undefined
    readonly divergence_threshold: number | undefined
  }

  constructor(options: EarlyStoppingOptions = {}) {
    this.#options = {
      monitor: 'val_loss',
      mode: 'min',
      patience: 3,
      min_delta: 0,
      stopping_threshold: undefined,
      divergence_threshold: undefined,
      check_finite: true,
      ...options,
    }
  }

  onFitStart(trainer: Trainer): void {
    // A resumed run must not train on only because the wish to stop was not written down elsewhere.
    if (this.#ends()) trainer.shouldStop = true
  }

  #ends(): boolean {
    const { patience, stopping_threshold, divergence_threshold, check_finite } = this.#options
    const last = this.#last
    if (last === undefined) return false
    if (check_finite && !Number.isFinite(last)) return true
    if (stopping_threshold !== undefined && this.#gain(stopping_threshold, last) >= 0) return true
    if (divergence_threshold !== undefined && this.#gain(divergence_threshold, last) < 0) return true
    return this.#waited >= patience
  }

  #gain(from: number, to: number): number {
    return this.#options.mode === 'min' ? from - to : to - from
  }

  /** @throws TrainerError if the metric was never logged. */
  onValidationEnd(trainer: Trainer, _model: Model, metrics: Metrics): void {
    if (trainer.config.fast_dev_run) return
    const { monitor, min_delta } = this.#options
    const value = metrics[monitor] ?? trainer.callbackMetrics[monitor]
    if (value === undefined) {
      throw new TrainerError(
        `EarlyStopping watches ${monitor}, which was not logged. Logged: ${Object.keys(trainer.callbackMetrics).join(', ')}.`,
      )
    }
    const improved = this.#best === undefined ? !Number.isNaN(value) : this.#gain(this.#best, value) > min_delta
    if (improved) this.#best = value
    this.#waited = improved ? 0 : this.#waited + 1
    this.#last = value
    if (this.#ends()) trainer.shouldStop = true
  }

  state(): CallbackState {
    return { best: this.#best ?? null, waited: this.#waited, last: this.#last ?? null }
  }

  loadState(state: CallbackState): void {
    this.#best = state.best === null ? undefined : Number(state.best)
    this.#waited = Number(state.waited)
    this.#last = state.last === null ? undefined : Number(state.last)
  }
}
