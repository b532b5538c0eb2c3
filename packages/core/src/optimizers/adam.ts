import { abs, add, div, exp, less, maximum, mul, neg, type Parameter, sqrt, sub, type Tensor, where } from '@nemo/graph'
import type { Optimizer, StepContext } from './optimizer.js'
import { OptimizerState } from './state.js'

/** Settings of the Adam family; PyTorch's keys. */
export interface AdamOptions {
  readonly betas?: readonly [number, number]
  readonly eps?: number
  readonly weight_decay?: number
  readonly amsgrad?: boolean
}

/**
 * 1 - beta^step as a scalar tensor. In the first steps beta^step is close to 1, where the plain difference would keep
 * only three or four digits; a Taylor series serves there.
 */
export function biasCorrection(beta: number, step: Tensor): Tensor {
  const u = mul(step, -Math.log(beta))
  let series: Tensor = sub(1, div(u, 8))
  for (let n = 7; n >= 2; n--) series = sub(1, mul(div(u, n), series))
  return where(less(u, 0.5), mul(u, series), sub(1, exp(neg(u))))
}

/** Adam (Kingma & Ba 2015), weight decay as part of the gradient. PyTorch's `Adam`. */
export class Adam implements Optimizer {
  readonly name: string = 'adam'
  readonly #state = new OptimizerState()
  readonly #options: Required<AdamOptions>
  readonly #decoupled: boolean

  constructor(options: AdamOptions = {}, decoupled = false) {
    this.#options = { betas: [0.9, 0.999], eps: 1e-8, weight_decay: decoupled ? 1e-2 : 0, amsgrad: false, ...options }
    this.#decoupled = decoupled
  }

  state(): ReadonlyMap<string, Parameter> {
    return this.#state.all()
  }

  updates(gradients: ReadonlyMap<Parameter, Tensor>, { lr, step }: StepContext): Map<Parameter, Tensor> {
    const { betas, eps, weight_decay, amsgrad } = this.#options
    const [beta1, beta2] = betas
    const correction1 = biasCorrection(beta1, step)
    const correction2 = sqrt(biasCorrection(beta2, step))
    const rate = div(lr, correction1)
    const updates = new Map<Parameter, Tensor>()
    for (const [weight, gradient] of gradients) {
      const g = weight_decay === 0 || this.#decoupled ? gradient : add(gradient, mul(weight, weight_decay))
      const first = this.#state.like('exp_avg', weight)
      const second = this.#state.like('exp_avg_sq', weight)
      const newFirst = add(mul(first, beta1), mul(g, 1 - beta1))
      const newSecond = add(mul(second, beta2), mul(mul(g, g), 1 - beta2))
      updates.set(first, newFirst)
      updates.set(second, newSecond)
      let peak = newSecond
      if (amsgrad) {
        const largest = this.#state.like('max_exp_avg_sq', weight)
        peak = maximum(largest, newSecond)
        updates.set(largest, peak)
      }
      const denominator = add(div(sqrt(peak), correction2), eps)
      const decayed = this.#decoupled && weight_decay !== 0 ? mul(weight, sub(1, mul(lr, weight_decay))) : weight
      updates.set(weight, sub(decayed, mul(div(newFirst, denominator), rate)))
    }
    return updates
  }
}

/** Adam with decoupled weight decay (Loshchilov & Hutter 2019). PyTorch's `AdamW`. */
export class AdamW extends Adam {
  override readonly name = 'adamw'

  constructor(options: AdamOptions = {}) {
    super(options, true)
  }
}

/** Adam with the infinity norm. PyTorch's `Adamax`. */
export class Adamax implements Optimizer {
  readonly name = 'adamax'
  readonly #state = new OptimizerState()
  readonly #options: Required<Omit<AdamOptions, 'amsgrad'>>

  constructor(options: Omit<AdamOptions, 'amsgrad'> = {}) {
    this.#options = { betas: [0.9, 0.999], eps: 1e-8, weight_decay: 0, ...options }
  }

  state(): ReadonlyMap<string, Parameter> {
    return this.#state.all()
  }

  updates(gradients: ReadonlyMap<Parameter, Tensor>, { lr, step }: StepContext): Map<Parameter, Tensor> {
    const { betas, eps, weight_decay } = this.#options
    const rate = div(lr, biasCorrection(betas[0], step))
    const updates = new Map<Parameter, Tensor>()
    for (const [weight, gradient] of gradients) {
      const g = weight_decay === 0 ? gradient : add(gradient, mul(weight, weight_decay))
      const first = this.#state.like('exp_avg', weight)
      const norm = this.#state.like('exp_inf', weight)
      const newFirst = add(mul(first, betas[0]), mul(g, 1 - betas[0]))
      const newNorm = maximum(mul(norm, betas[1]), add(abs(g), eps))
      updates.set(first, newFirst)
      updates.set(norm, newNorm)
      updates.set(weight, sub(weight, mul(div(newFirst, newNorm), rate)))
    }
    return updates
  }
}
