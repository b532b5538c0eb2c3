/** How a loss is scaled in mixed precision: the arguments of PyTorch's `GradScaler`. */
export interface LossScalingOptions {
  /** What the loss is multiplied with at first. Default 65536. */
  readonly initScale?: number
  /** What the scale is multiplied with after `growthInterval` sound steps in a row. Default 2. */
  readonly growthFactor?: number
  /** What the scale is multiplied with after a step whose gradients overflowed. Default 0.5. */
  readonly backoffFactor?: number
  /** Default 2000. */
  readonly growthInterval?: number
}

/** What a `LossScaler` remembers, as PyTorch's `GradScaler.state_dict` names it. */
export interface LossScalerState {
  readonly scale: number
  readonly growth_factor: number
  readonly backoff_factor: number
  readonly growth_interval: number
  readonly _growth_tracker: number
}

/**
 * Dynamic loss scaling: the loss is multiplied, so that small gradients do not vanish in half precision, and gradients
 * are divided again before they are clipped. Where they overflow, the step is left out and the scale shrinks; after many
 * sound steps it grows. Source: PyTorch `torch.cuda.amp.GradScaler`.
 */
export class LossScaler {
  #scale: number
  #growthFactor: number
  #backoffFactor: number
  #growthInterval: number
  #soundSteps = 0

  constructor(options: LossScalingOptions = {}) {
    const { initScale = 65536, growthFactor = 2, backoffFactor = 0.5, growthInterval = 2000 } = options
    this.#scale = Math.fround(initScale)
    this.#growthFactor = growthFactor
    this.#backoffFactor = backoffFactor
    this.#growthInterval = growthInterval
  }

  /** What the loss of the next step is multiplied with. */
  get scale(): number {
    return this.#scale
  }

  /** Says whether the gradients of a step of the optimiser were finite. */
  update(sound: boolean): void {
    if (!sound) {
      this.#scale = Math.fround(this.#scale * this.#backoffFactor)
      this.#soundSteps = 0
      return
    }
    this.#soundSteps++
    if (this.#soundSteps < this.#growthInterval) return
    const grown = Math.fround(this.#scale * this.#growthFactor)
    // The scale itself is a float32.
    if (Number.isFinite(grown)) this.#scale = grown
    this.#soundSteps = 0
  }

  state(): LossScalerState {
    return {
      scale: this.#scale,
      growth_factor: this.#growthFactor,
      backoff_factor: this.#backoffFactor,
      growth_interval: this.#growthInterval,
      _growth_tracker: this.#soundSteps,
    }
  }

  /** Goes on from a state; settings are the state's, as in PyTorch. */
  load(state: LossScalerState): void {
    this.#scale = state.scale
    this.#growthFactor = state.growth_factor
    this.#backoffFactor = state.backoff_factor
    this.#growthInterval = state.growth_interval
    this.#soundSteps = state._growth_tracker
  }
}
