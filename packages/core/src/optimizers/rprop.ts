import {
  clip,
  constant,
  greater,
  less,
  lessOrEqual,
  mul,
  onesLike,
  type Parameter,
  sign,
  sub,
  type Tensor,
  where,
  zerosLike,
} from '@nemo/graph'
import type { Optimizer, StepContext } from './optimizer.js'
import { OptimizerState } from './state.js'

/** Settings of Rprop; PyTorch's keys. */
export interface RpropOptions {
  readonly etas?: readonly [number, number]
  readonly step_sizes?: readonly [number, number]
}

/** Resilient propagation: step sizes grow while the gradient's sign holds (Riedmiller & Braun 1993). PyTorch's `Rprop`. */
export class Rprop implements Optimizer {
  readonly name = 'rprop'
  readonly #state = new OptimizerState()
  readonly #options: Required<RpropOptions>

  constructor(options: RpropOptions = {}) {
    this.#options = { etas: [0.5, 1.2], step_sizes: [1e-6, 50], ...options }
  }

  state(): ReadonlyMap<string, Parameter> {
    return this.#state.all()
  }

  updates(gradients: ReadonlyMap<Parameter, Tensor>, { lr, step }: StepContext): Map<Parameter, Tensor> {
    const [shrink, grow] = this.#options.etas
    const [smallest, largest] = this.#options.step_sizes
    const updates = new Map<Parameter, Tensor>()
    for (const [weight, gradient] of gradients) {
      const previous = this.#state.like('prev', weight)
      const sizes = this.#state.like('step_size', weight)
      // Step sizes start at the learning rate.
      const before = where(lessOrEqual(step, 1), mul(onesLike(sizes), lr), sizes)
      const agreement = mul(gradient, previous)
      const turned = less(agreement, 0)
      const factor = where(greater(agreement, 0), constant(grow), where(turned, constant(shrink), constant(1)))
      const size = clip(mul(before, factor), smallest, largest)
      // Where the sign turned, this step rests.
      const used = where(turned, zerosLike(gradient), gradient)
      updates.set(previous, used)
      updates.set(sizes, size)
      updates.set(weight, sub(weight, mul(sign(used), size)))
    }
    return updates
  }
}
