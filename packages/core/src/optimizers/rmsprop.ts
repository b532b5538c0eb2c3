import { add, div, mul, type Parameter, sqrt, sub, type Tensor } from '@nemo/graph'
import type { Optimizer, StepContext } from './optimizer.js'
import { OptimizerState } from './state.js'

/** Settings of RMSprop; PyTorch's keys. */
export interface RMSpropOptions {
  readonly alpha?: number
  readonly eps?: number
  readonly weight_decay?: number
  readonly momentum?: number
  readonly centered?: boolean
}

/** Gradients divided by the root of a running average of their squares. PyTorch's `RMSprop`. */
export class RMSprop implements Optimizer {
  readonly name = 'rmsprop'
  readonly #state = new OptimizerState()
  readonly #options: Required<RMSpropOptions>

  constructor(options: RMSpropOptions = {}) {
    this.#options = { alpha: 0.99, eps: 1e-8, weight_decay: 0, momentum: 0, centered: false, ...options }
  }

  state(): ReadonlyMap<string, Parameter> {
    return this.#state.all()
  }

  updates(gradients: ReadonlyMap<Parameter, Tensor>, { lr }: StepContext): Map<Parameter, Tensor> {
    const { alpha, eps, weight_decay, momentum, centered } = this.#options
    const updates = new Map<Parameter, Tensor>()
    for (const [weight, gradient] of gradients) {
      const g = weight_decay === 0 ? gradient : add(gradient, mul(weight, weight_decay))
      const squares = this.#state.like('square_avg', weight)
      const newSquares = add(mul(squares, alpha), mul(mul(g, g), 1 - alpha))
      updates.set(squares, newSquares)
      let spread = newSquares
      if (centered) {
        const mean = this.#state.like('grad_avg', weight)
        const newMean = add(mul(mean, alpha), mul(g, 1 - alpha))
        updates.set(mean, newMean)
        spread = sub(newSquares, mul(newMean, newMean))
      }
      let direction = div(g, add(sqrt(spread), eps))
      if (momentum > 0) {
        const buffer = this.#state.like('momentum_buffer', weight)
        direction = add(mul(buffer, momentum), direction)
        updates.set(buffer, direction)
      }
      updates.set(weight, sub(weight, mul(direction, lr)))
    }
    return updates
  }
}
