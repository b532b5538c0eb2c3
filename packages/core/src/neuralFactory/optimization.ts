import { isNan, logicalNot, logicalOr, type Parameter, reduceSum, type Tensor, where } from '@nemo/graph'
import { z } from 'zod'
import { validateConfig } from '../config/validateConfig.js'
import { getLogger } from '../logging/logger.js'
import type { Optimizer, StepContext } from '../optimizers/optimizer.js'
import { createOptimizer } from '../optimizers/registry.js'
import { createScheduler, type SchedulerConfig } from '../schedulers/registry.js'
import type { Scheduler } from '../schedulers/scheduler.js'
import { NeuralFactoryError } from './errors.js'

const betas = z.tuple([z.number(), z.number()]).nullish()
const number = z.number().nullish()

/** Keys of `optimizationParams`; NeMo 0.9's names and defaults. Null means not given. */
export const optimizationParamsSchema = z.strictObject({
  /** Passes over the data. This or `max_steps` must be given. */
  num_epochs: z.int().min(1).nullish(),
  /** Optimiser steps. */
  max_steps: z.int().min(1).nullish(),
  lr: z.number().min(0).optional(),
  /** Of SGD. Default 0.9. */
  momentum: number,
  /** Of SGD, AdamW and NovoGrad. Default 0. */
  weight_decay: number,
  /** Of Adam, AdamW (default 0.9, 0.999) and NovoGrad (0.95, 0.25). */
  betas,
  /** Layer-wise update clipping of NovoGrad. */
  luc: z.boolean().nullish(),
  luc_eta: number,
  /** Largest norm of all gradients. Default: no clipping. */
  grad_norm_clip: z.number().min(0).nullish(),
})

/** Keys of `optimizationParams`. */
export type OptimizationParams = z.input<typeof optimizationParamsSchema>

/** How the learning rate moves: a function of the initial rate, the step and the epoch, or a policy's config. */
export type LrPolicy = ((initialLr: number, step: number, epoch: number) => number) | SchedulerConfig

/** Checks `optimizationParams`. @throws ConfigValidationError naming each wrong key. */
export function validateOptimizationParams(params: OptimizationParams): z.output<typeof optimizationParamsSchema> {
  return validateConfig(optimizationParamsSchema, params, { source: 'optimizationParams' })
}

/**
 * The update rule that a name of NeMo 0.9 means: `sgd`, `adam`, `adam_w`, `novograd` and their `fused_` twins.
 * Settings that NeMo does not hand to a rule are left out here too, and said aloud.
 *
 * @throws NeuralFactoryError for another name.
 */
export function optimizerOf(name: string, params: OptimizationParams): Optimizer {
  const { momentum, weight_decay, betas, luc, luc_eta } = params
  const decay = { weight_decay: weight_decay ?? 0 }
  const plain = name.toLowerCase().replace(/^fused_/, '')
  const settings = {
    sgd: { name: 'sgd', momentum: momentum ?? 0.9, ...decay },
    adam: { name: 'adam', betas: betas ?? [0.9, 0.999] },
    adam_w: { name: 'adamw', betas: betas ?? [0.9, 0.999], ...decay },
    novograd: {
      name: 'novograd',
      betas: betas ?? [0.95, 0.25],
      ...decay,
      luc: luc ?? false,
      luc_trust: luc_eta ?? 1e-3,
    },
  } as const
  if (!Object.hasOwn(settings, plain))
    throw new NeuralFactoryError(
      `optimizer: expected one of ${Object.keys(settings).join(', ')}, found ${JSON.stringify(name)}.`,
    )
  if (plain === 'adam' && weight_decay)
    getLogger('neuralFactory').warning(`adam takes no weight_decay (${weight_decay}), as in NeMo 0.9; use adam_w.`)
  return createOptimizer(settings[plain as keyof typeof settings])
}

/**
 * Learning rates of a run.
 *
 * @param stepsPerEpoch - Optimiser steps of an epoch, for policies that read the epoch.
 */
export function schedulerOf(
  policy: LrPolicy | undefined,
  lr: number,
  run: { readonly stepsPerEpoch: number; readonly maxSteps: number | undefined },
): Scheduler {
  if (typeof policy !== 'function') return createScheduler(policy, lr, run.maxSteps)
  return {
    name: policy.name || 'lrPolicy',
    lr: (step) => policy(lr, step, Math.floor(step / run.stepsPerEpoch)),
  }
}

/** An update rule that leaves everything as it is when a gradient is NaN, as NeMo 0.9 does when the loss is. */
export class SkippingNan implements Optimizer {
  readonly name: string
  readonly #rule: Optimizer

  constructor(rule: Optimizer) {
    this.#rule = rule
    this.name = rule.name
  }

  updates(gradients: ReadonlyMap<Parameter, Tensor>, context: StepContext): Map<Parameter, Tensor> {
    const updates = this.#rule.updates(gradients, context)
    const usable = logicalNot([...gradients.values()].map((gradient) => isNan(reduceSum(gradient))).reduce(logicalOr))
    return new Map([...updates].map(([parameter, value]) => [parameter, where(usable, value, parameter)]))
  }

  scalars(step: number): Readonly<Record<string, number>> {
    return this.#rule.scalars?.(step) ?? {}
  }

  state(): ReadonlyMap<string, Parameter> {
    return this.#rule.state()
  }
}
