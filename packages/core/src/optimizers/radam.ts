import {
  add,
  constant,
  div,
  exp,
  greater,
  maximum,
  mul,
  type Parameter,
  sqrt,
  sub,
  type Tensor,
  where,
} from '@nemo/graph'
import { type AdamOptions, biasCorrection } from './adam.js'
import type { Optimizer, StepContext } from './optimizer.js'
import { OptimizerState } from './state.js'

/** Adam with a rectified warm-up of its variance (Liu et al. 2020). PyTorch's `RAdam`. */
export class RAdam implements Optimizer {
  readonly name = 'radam'
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
    const [beta1, beta2] = betas
    const correction1 = biasCorrection(beta1, step)
    const correction2 = biasCorrection(beta2, step)
    const longest = 2 / (1 - beta2) - 1
    const decay = exp(mul(step, Math.log(beta2)))
    const length = sub(longest, div(mul(mul(step, 2), decay), correction2))
    // Rectification where the approximated length is above 5; plain momentum before.
    const safe = maximum(length, constant(5.000001))
    const rectification = sqrt(
      div(mul(mul(sub(safe, 4), sub(safe, 2)), longest), mul((longest - 4) * (longest - 2), safe)),
    )
    const rectified = greater(length, 5)
    const updates = new Map<Parameter, Tensor>()
    for (const [weight, gradient] of gradients) {
      const g = weight_decay === 0 ? gradient : add(gradient, mul(weight, weight_decay))
      const first = this.#state.like('exp_avg', weight)
      const second = this.#state.like('exp_avg_sq', weight)
      const newFirst = add(mul(first, beta1), mul(g, 1 - beta1))
      const newSecond = add(mul(second, beta2), mul(mul(g, g), 1 - beta2))
      updates.set(first, newFirst)
      updates.set(second, newSecond)
      const direction = div(newFirst, correction1)
      const adaptive = div(mul(rectification, sqrt(correction2)), add(sqrt(newSecond), eps))
      updates.set(weight, sub(weight, mul(mul(direction, lr), where(rectified, adaptive, constant(1)))))
    }
    return updates
  }
}
