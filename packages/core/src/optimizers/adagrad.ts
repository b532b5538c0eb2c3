import { add, div, mul, type Parameter, sqrt, sub, type Tensor } from '@nemo/graph'
import type { Optimizer, StepContext } from './optimizer.js'
import { OptimizerState } from './state.js'

/** Settings of Adagrad; PyTorch's keys. */
export interface AdagradOptions {
  readonly lr_decay?: number
  readonly weight_decay?: number
  readonly initial_accumulator_value?: number
  readonly eps?: number
}

/** Steps divided by the root of all squared gradients so far (Duchi et al. 2011). PyTorch's `Adagrad`. */
export class Adagrad implements Optimizer {
  readonly name = 'adagrad'
  readonly #state = new OptimizerState()
  readonly #options: Required<AdagradOptions>

  constructor(options: AdagradOptions = {}) {
    this.#options = { lr_decay: 0, weight_decay: 0, initial_accumulator_value: 0, eps: 1e-10, ...options }
  }

  state(): ReadonlyMap<string, Parameter> {
    return this.#state.all()
  }

  updates(gradients: ReadonlyMap<Parameter, Tensor>, { lr, step }: StepContext): Map<Parameter, Tensor> {
    const { lr_decay, weight_decay, initial_accumulator_value, eps } = this.#options
    const rate = lr_decay === 0 ? lr : div(lr, add(mul(sub(step, 1), lr_decay), 1))
    const updates = new Map<Parameter, Tensor>()
    for (const [weight, gradient] of gradients) {
      const g = weight_decay === 0 ? gradient : add(gradient, mul(weight, weight_decay))
      const total = this.#state.like('sum', weight, initial_accumulator_value)
      const newTotal = add(total, mul(g, g))
      updates.set(total, newTotal)
      updates.set(weight, sub(weight, mul(div(g, add(sqrt(newTotal), eps)), rate)))
    }
    return updates
  }
}
