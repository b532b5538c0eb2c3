import {
  add,
  div,
  equal,
  maximum,
  minimum,
  mul,
  type Parameter,
  reduceSum,
  sqrt,
  sub,
  type Tensor,
  where,
} from '@nemo/graph'
import type { Optimizer, StepContext } from './optimizer.js'
import { OptimizerState } from './state.js'

/** Settings of NovoGrad; keys as in NeMo's configs. */
export interface NovogradOptions {
  readonly betas?: readonly [number, number]
  readonly eps?: number
  readonly weight_decay?: number
  /** Scale the gradient by 1 - beta1 in the momentum. */
  readonly grad_averaging?: boolean
  /** Keep the largest second moment seen. */
  readonly amsgrad?: boolean
  /** Layer-wise update clipping by `luc_trust` times the weight's norm. */
  readonly luc?: boolean
  readonly luc_trust?: number
  readonly luc_eps?: number
}

/**
 * NovoGrad: momentum of gradients that were divided by the norm of their layer (Ginsburg et al. 2019).
 * One scalar second moment per tensor, set to ||g||² whenever it is 0; epsilon outside the root; weight decay after the
 * division; no bias correction. Source: NeMo v1.0.0 `Novograd`.
 */
export class Novograd implements Optimizer {
  readonly name = 'novograd'
  readonly #state = new OptimizerState()
  readonly #options: Required<NovogradOptions>

  constructor(options: NovogradOptions = {}) {
    this.#options = {
      betas: [0.95, 0.98],
      eps: 1e-8,
      weight_decay: 0,
      grad_averaging: false,
      amsgrad: false,
      luc: false,
      luc_trust: 1e-3,
      luc_eps: 1e-8,
      ...options,
    }
  }

  state(): ReadonlyMap<string, Parameter> {
    return this.#state.all()
  }

  updates(gradients: ReadonlyMap<Parameter, Tensor>, { lr }: StepContext): Map<Parameter, Tensor> {
    const { betas, eps, weight_decay, grad_averaging, amsgrad, luc, luc_trust, luc_eps } = this.#options
    const [beta1, beta2] = betas
    const updates = new Map<Parameter, Tensor>()
    for (const [weight, gradient] of gradients) {
      const moment = this.#state.like('exp_avg', weight)
      const second = this.#state.get('exp_avg_sq', weight, [])
      const norm = reduceSum(mul(gradient, gradient))
      const newSecond = where(equal(second, 0), norm, add(mul(second, beta2), mul(norm, 1 - beta2)))
      updates.set(second, newSecond)
      let denominator = newSecond
      if (amsgrad) {
        const peak = this.#state.get('max_exp_avg_sq', weight, [])
        denominator = maximum(peak, newSecond)
        updates.set(peak, denominator)
      }
      let direction = div(gradient, add(sqrt(denominator), eps))
      if (weight_decay !== 0) direction = add(direction, mul(weight, weight_decay))
      if (grad_averaging) direction = mul(direction, 1 - beta1)
      const newMoment = add(mul(moment, beta1), direction)
      updates.set(moment, newMoment)
      let rate = lr
      if (luc) {
        // The step is cut to luc_trust of the weight's norm.
        const size = sqrt(reduceSum(mul(weight, weight)))
        const update = sqrt(reduceSum(mul(newMoment, newMoment)))
        const allowed = div(mul(size, luc_trust), add(update, luc_eps))
        rate = where(equal(size, 0), lr, minimum(allowed, lr))
      }
      updates.set(weight, sub(weight, mul(newMoment, rate)))
    }
    return updates
  }
}
