import type { Model } from '../../models/model.js'
import type { Callback, Metrics } from '../callback.js'
import type { Trainer } from '../trainer.js'

/** Settings of early stopping; Lightning's keys. */
export interface EarlyStoppingOptions {
  readonly monitor?: string
  readonly mode?: 'min' | 'max'
  /** Validations without improvement before training ends. Default 3. */
  readonly patience?: number
  /** Smaller improvements do not count. Default 0. */
  readonly min_delta?: number
  /** Value that is good enough to end at once. */
  readonly stopping_threshold?: number
}

/** Ends training when a metric no longer improves. */
export class EarlyStopping implements Callback {
  #best: number | undefined
  #waited = 0
  readonly #options: EarlyStoppingOptions

  constructor(options: EarlyStoppingOptions = {}) {
    this.#options = options
  }

  onValidationEnd(trainer: Trainer, _model: Model, metrics: Metrics): void {
    const { monitor = 'val_loss', mode = 'min', patience = 3, min_delta = 0, stopping_threshold } = this.#options
    const value = metrics[monitor]
    if (value === undefined) return
    const sign = mode === 'min' ? 1 : -1
    if (stopping_threshold !== undefined && sign * (value - stopping_threshold) <= 0) trainer.shouldStop = true
    if (this.#best === undefined || sign * (this.#best - value) > min_delta) {
      this.#best = value
      this.#waited = 0
    } else if (++this.#waited >= patience) trainer.shouldStop = true
  }

  state(): Record<string, number | null> {
    return { best: this.#best ?? null, waited: this.#waited }
  }

  loadState(state: Readonly<Record<string, number | string | boolean | null>>): void {
    this.#best = state.best === null ? undefined : Number(state.best)
    this.#waited = Number(state.waited)
  }
}
