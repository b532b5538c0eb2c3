import {
  add,
  constant,
  div,
  exp,
  log,
  maximum,
  minimum,
  mul,
  type Parameter,
  reciprocal,
  reduceMean,
  reduceSum,
  sizeOf,
  sqrt,
  sub,
  type Tensor,
  unsqueeze,
} from '@nemo/graph'
import { OptimizerError } from './errors.js'
import type { Optimizer, StepContext } from './optimizer.js'
import { OptimizerState } from './state.js'

/** Settings of Adafactor; the keys of fairseq's and NeMo's. */
export interface AdafactorOptions {
  readonly eps?: readonly [number, number]
  readonly clip_threshold?: number
  readonly decay_rate?: number
  /** Momentum; null for none. */
  readonly beta1?: number | null
  readonly weight_decay?: number
  readonly scale_parameter?: boolean
  /** Take the step size from the step number instead of the schedule. */
  readonly relative_step?: boolean
  readonly warmup_init?: boolean
  /** Largest relative step size. */
  readonly min_step?: number
}

/**
 * Adam with second moments kept as row and column means (Shazeer & Stern 2018). Source: NeMo v1.6.0 `Adafactor`, which is
 * fairseq's. Difference: there `scale_parameter` without `relative_step` multiplies the learning rate by the scales of
 * all earlier weights and steps too; here each weight's rate is scaled by its own.
 */
export class Adafactor implements Optimizer {
  readonly name = 'adafactor'
  readonly #state = new OptimizerState()
  readonly #options: Required<AdafactorOptions>

  constructor(options: AdafactorOptions = {}) {
    this.#options = {
      eps: [1e-30, 1e-3],
      clip_threshold: 1,
      decay_rate: -0.8,
      beta1: null,
      weight_decay: 0,
      scale_parameter: true,
      relative_step: true,
      warmup_init: false,
      min_step: 1e-2,
      ...options,
    }
    if (this.#options.warmup_init && !this.#options.relative_step)
      throw new OptimizerError('adafactor: warmup_init needs relative_step. Set relative_step: true.')
  }

  get ownRate(): boolean {
    return this.#options.relative_step
  }

  state(): ReadonlyMap<string, Parameter> {
    return this.#state.all()
  }

  updates(gradients: ReadonlyMap<Parameter, Tensor>, { lr, step }: StepContext): Map<Parameter, Tensor> {
    const { eps, clip_threshold, decay_rate, beta1, weight_decay, scale_parameter, relative_step } = this.#options
    const { warmup_init, min_step } = this.#options
    const schedule = relative_step
      ? minimum(warmup_init ? mul(step, 1e-6) : constant(min_step), reciprocal(sqrt(step)))
      : lr
    const beta2 = sub(1, exp(mul(log(step), decay_rate)))
    const fresh = sub(1, beta2)
    const updates = new Map<Parameter, Tensor>()
    const rms = (x: Tensor, count: number) => sqrt(div(reduceSum(mul(x, x)), count))
    for (const [weight, gradient] of gradients) {
      const count = sizeOf(weight.shape)
      const rate = scale_parameter ? mul(schedule, maximum(rms(weight, count), constant(eps[1]))) : schedule
      const squared = add(mul(gradient, gradient), eps[0])
      let scaled: Tensor
      if (weight.rank >= 2) {
        const rows = this.#state.get('exp_avg_sq_row', weight, weight.shape.slice(0, -1))
        const columns = this.#state.get('exp_avg_sq_col', weight, [...weight.shape.slice(0, -2), weight.shape.at(-1)!])
        const newRows = add(mul(rows, beta2), mul(reduceMean(squared, -1), fresh))
        const newColumns = add(mul(columns, beta2), mul(reduceMean(squared, -2), fresh))
        updates.set(rows, newRows)
        updates.set(columns, newColumns)
        const rowFactor = reciprocal(sqrt(div(newRows, reduceMean(newRows, -1, true))))
        const columnFactor = reciprocal(sqrt(newColumns))
        scaled = mul(
          gradient,
          mul(unsqueeze(rowFactor, rowFactor.rank), unsqueeze(columnFactor, columnFactor.rank - 1)),
        )
      } else {
        const second = this.#state.like('exp_avg_sq', weight)
        const newSecond = add(mul(second, beta2), mul(squared, fresh))
        updates.set(second, newSecond)
        scaled = mul(gradient, reciprocal(sqrt(newSecond)))
      }
      const clipped = div(scaled, maximum(div(rms(scaled, count), clip_threshold), constant(1)))
      let move = mul(clipped, rate)
      if (beta1 !== null) {
        const first = this.#state.like('exp_avg', weight)
        move = add(mul(first, beta1), mul(move, 1 - beta1))
        updates.set(first, move)
      }
      const decayed = weight_decay === 0 ? weight : mul(weight, sub(1, mul(rate, weight_decay)))
      updates.set(weight, sub(decayed, move))
    }
    return updates
  }
}
