import { add, div, mul, type Parameter, sqrt, sub, type Tensor } from '@nemo/graph'
import type { Optimizer, StepContext } from './optimizer.js'
import { OptimizerState } from './state.js'

/** Settings of Adadelta; PyTorch's keys. */
export interface AdadeltaOptions {
  readonly rho?: number
  readonly eps?: number
  readonly weight_decay?: number
}

/** Steps scaled by running averages of squared steps and gradients (Zeiler 2012). PyTorch's `Adadelta`. */
export class Adadelta implements Optimizer {
  readonly name = 'adadelta'
  readonly #state = new OptimizerState()
  readonly #options: Required<AdadeltaOptions>

  constructor(options: AdadeltaOptions = {}) {
    this.#options = { rho: 0.9, eps: 1e-6, weight_decay: 0, ...options }
  }

  state(): ReadonlyMap<string, Parameter> {
    return this.#state.all()
  }

  updates(gradients: ReadonlyMap<Parameter, Tensor>, { lr }: StepContext): Map<Parameter, Tensor> {
    const { rho, eps, weight_decay } = this.#options
    const updates = new Map<Parameter, Tensor>()
    for (const [weight, gradient] of gradients) {
      const g = weight_decay === 0 ? gradient : add(gradient, mul(weight, weight_decay))
      const squares = this.#state.like('square_avg', weight)
      const steps = this.#state.like('acc_delta', weight)
      const newSquares = add(mul(squares, rho), mul(mul(g, g), 1 - rho))
      const delta = mul(div(sqrt(add(steps, eps)), sqrt(add(newSquares, eps))), g)
      updates.set(squares, newSquares)
      updates.set(steps, add(mul(steps, rho), mul(mul(delta, delta), 1 - rho)))
      updates.set(weight, sub(weight, mul(delta, lr)))
    }
    return updates
  }
}
