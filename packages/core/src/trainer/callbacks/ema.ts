import { add, mul, Parameter, sub, type Tensor } from '@nemo/graph'
import type { Callback } from '../callback.js'
import { TrainerError } from '../errors.js'
import type { WeightAverage } from '../weightAverage.js'

/** Settings of moving averages; NeMo's keys. */
export interface EMAOptions {
  /** Share of the old average, from 0 to 1, e.g. 0.999. */
  readonly decay: number
  /** Evaluate the weights themselves, not their averages. Default false. */
  readonly validate_original_weights?: boolean
  /** Steps of the optimiser between two updates of the averages. Default 1. */
  readonly every_n_steps?: number
}

const RATE = 'ema_rate'

/**
 * Keeps exponential moving averages of all weights that are trained: average = decay * average + (1 - decay) * weight
 * after a step of the optimiser. They begin at the weights; running statistics are not averaged. Validation, test and
 * prediction use the averages; checkpoints hold both, and `ModelCheckpoint` writes the averages into the final `.nemo`.
 *
 * Source: NeMo v1.15 `EMA`.
 */
export class EMA implements Callback, WeightAverage {
  readonly averages = new Map<Parameter, Parameter>()
  readonly evaluates: boolean
  readonly #decay: number
  readonly #every: number

  /** @throws TrainerError for a decay outside 0 to 1 or an interval below 1. */
  constructor({ decay, validate_original_weights = false, every_n_steps = 1 }: EMAOptions) {
    if (!(decay >= 0 && decay <= 1)) throw new TrainerError(`EMA: expected a decay from 0 to 1, found ${decay}.`)
    if (!Number.isInteger(every_n_steps) || every_n_steps < 1)
      throw new TrainerError(`EMA: expected every_n_steps to be a whole number >= 1, found ${every_n_steps}.`)
    this.evaluates = !validate_original_weights
    this.#decay = decay
    this.#every = every_n_steps
  }

  get weightAverage(): WeightAverage {
    return this
  }

  async start(weights: readonly Parameter[]): Promise<void> {
    this.averages.clear()
    for (const weight of weights)
      this.averages.set(weight, new Parameter(`ema.${weight.name}`, await weight.value(), 'state'))
  }

  updates(weights: ReadonlyMap<Parameter, Tensor>, scalar: (name: string) => Tensor): Map<Parameter, Tensor> {
    const rate = scalar(RATE)
    return new Map(
      [...this.averages].map(([weight, average]) => [
        average,
        add(mul(average, sub(1, rate)), mul(weights.get(weight) ?? weight, rate)),
      ]),
    )
  }

  scalars(step: number): Readonly<Record<string, number>> {
    return { [RATE]: step % this.#every === 0 ? 1 - this.#decay : 0 }
  }

  /** Puts the averages into the weights, for good: to save, export or go on with them. */
  async apply(): Promise<void> {
    for (const [weight, average] of this.averages) weight.set(await average.value())
  }

  /** Runs `work` with averages and weights exchanged. */
  async whileApplied<T>(work: () => Promise<T>): Promise<T> {
    await this.#exchange()
    try {
      return await work()
    } finally {
      await this.#exchange()
    }
  }

  async #exchange(): Promise<void> {
    for (const [weight, average] of this.averages) {
      const [value, averaged] = [await weight.value(), await average.value()]
      weight.set(averaged)
      average.set(value)
    }
  }
}
