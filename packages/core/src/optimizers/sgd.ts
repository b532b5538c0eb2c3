import { add, lessOrEqual, mul, type Parameter, sub, type Tensor, where } from '@nemo/graph'
import type { Optimizer, StepContext } from './optimizer.js'
import { OptimizerState } from './state.js'

/** Settings of SGD; PyTorch's keys. */
export interface SGDOptions {
  readonly momentum?: number
  readonly dampening?: number
  readonly weight_decay?: number
  readonly nesterov?: boolean
}

/** Stochastic gradient descent with momentum. PyTorch's `SGD`. */
export class SGD implements Optimizer {
  readonly name = 'sgd'
  readonly #state = new OptimizerState()
  readonly #options: Required<SGDOptions>

  constructor(options: SGDOptions = {}) {
    this.#options = { momentum: 0, dampening: 0, weight_decay: 0, nesterov: false, ...options }
  }

  state(): ReadonlyMap<string, Parameter> {
    return this.#state.all()
  }

  updates(gradients: ReadonlyMap<Parameter, Tensor>, { lr, step }: StepContext): Map<Parameter, Tensor> {
    const { momentum, dampening, weight_decay, nesterov } = this.#options
    const updates = new Map<Parameter, Tensor>()
    for (const [weight, gradient] of gradients) {
      const g = weight_decay === 0 ? gradient : add(gradient, mul(weight, weight_decay))
      let direction = g
      if (momentum !== 0) {
        const buffer = this.#state.like('momentum_buffer', weight)
        const damped = add(mul(buffer, momentum), mul(g, 1 - dampening))
        // The first step takes the gradient undamped.
        const next = dampening === 0 ? damped : where(lessOrEqual(step, 1), g, damped)
        updates.set(buffer, next)
        direction = nesterov ? add(g, mul(next, momentum)) : next
      }
      updates.set(weight, sub(weight, mul(direction, lr)))
    }
    return updates
  }
}
