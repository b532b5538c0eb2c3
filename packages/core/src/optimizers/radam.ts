import { add, div, mul, type Parameter, sqrt, sub, type Tensor } from '@nemo/graph'
import type { AdamOptions } from './adam.js'
import type { Optimizer, StepContext } from './optimizer.js'
import { OptimizerState } from './state.js'

const ADAPTIVE = 'radam_adaptive'
const PLAIN = 'radam_plain'

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

  // The length of the approximated average is a small difference of large numbers: float32 would miss where it passes 5.
  scalars(step: number): Readonly<Record<string, number>> {
    const [beta1, beta2] = this.#options.betas
    const correction1 = -Math.expm1(step * Math.log(beta1))
    const correction2 = -Math.expm1(step * Math.log(beta2))
    const longest = 2 / (1 - beta2) - 1
    const length = longest - (2 * step * (1 - correction2)) / correction2
    // Plain momentum until the variance of the adaptive rate can be trusted.
    if (length <= 5) return { [ADAPTIVE]: 0, [PLAIN]: 1 / correction1 }
    const rectification = Math.sqrt(((length - 4) * (length - 2) * longest) / ((longest - 4) * (longest - 2) * length))
    return { [ADAPTIVE]: (rectification * Math.sqrt(correction2)) / correction1, [PLAIN]: 0 }
  }

  updates(gradients: ReadonlyMap<Parameter, Tensor>, { lr, scalar }: StepContext): Map<Parameter, Tensor> {
    const { betas, eps, weight_decay } = this.#options
    const [beta1, beta2] = betas
    const adaptive = scalar(ADAPTIVE)
    const plain = scalar(PLAIN)
    const updates = new Map<Parameter, Tensor>()
    for (const [weight, gradient] of gradients) {
      const g = weight_decay === 0 ? gradient : add(gradient, mul(weight, weight_decay))
      const first = this.#state.like('exp_avg', weight)
      const second = this.#state.like('exp_avg_sq', weight)
      const newFirst = add(mul(first, beta1), mul(g, 1 - beta1))
      const newSecond = add(mul(second, beta2), mul(mul(g, g), 1 - beta2))
      updates.set(first, newFirst)
      updates.set(second, newSecond)
      const rate = mul(add(div(adaptive, add(sqrt(newSecond), eps)), plain), lr)
      updates.set(weight, sub(weight, mul(newFirst, rate)))
    }
    return updates
  }
}
