import { z } from 'zod'
import { validateConfig } from '../config/validateConfig.js'
import { Adadelta, type AdadeltaOptions } from './adadelta.js'
import { Adafactor, type AdafactorOptions } from './adafactor.js'
import { Adagrad, type AdagradOptions } from './adagrad.js'
import { Adam, Adamax, type AdamOptions, AdamW } from './adam.js'
import { OptimizerError } from './errors.js'
import { Novograd, type NovogradOptions } from './novograd.js'
import type { Optimizer } from './optimizer.js'
import { RAdam } from './radam.js'
import { RMSprop, type RMSpropOptions } from './rmsprop.js'
import { Rprop, type RpropOptions } from './rprop.js'
import { SGD, type SGDOptions } from './sgd.js'

/** An `optim` section without its `sched`: NeMo's optimiser name, `lr` and the optimiser's settings. */
export interface OptimizerConfig {
  readonly name: string
  readonly lr?: number
  readonly [key: string]: unknown
}

/** Makes an optimiser from its settings. */
export type OptimizerFactory = (options: Readonly<Record<string, unknown>>) => Optimizer

const number = z.number()
const flag = z.boolean()
const share = z.number().min(0).max(1)
const betas = z.tuple([share, share])
const adam = { betas, eps: number, weight_decay: number }

// Each entry: the settings that a config may hold, and the class that takes them.
function entry<Options>(shape: z.core.$ZodLooseShape, make: (options: Options) => Optimizer): OptimizerFactory {
  const schema = z.strictObject(shape).partial()
  return (options) => make(validateConfig(schema, options, { source: 'optim' }) as Options)
}

const factories = new Map<string, OptimizerFactory>([
  [
    'sgd',
    entry<SGDOptions>({ momentum: number, dampening: number, weight_decay: number, nesterov: flag }, (o) => new SGD(o)),
  ],
  ['adam', entry<AdamOptions>({ ...adam, amsgrad: flag }, (o) => new Adam(o))],
  ['adamw', entry<AdamOptions>({ ...adam, amsgrad: flag }, (o) => new AdamW(o))],
  ['adamax', entry<AdamOptions>(adam, (o) => new Adamax(o))],
  ['radam', entry<AdamOptions>(adam, (o) => new RAdam(o))],
  ['adadelta', entry<AdadeltaOptions>({ rho: number, eps: number, weight_decay: number }, (o) => new Adadelta(o))],
  [
    'adagrad',
    entry<AdagradOptions>(
      { lr_decay: number, weight_decay: number, initial_accumulator_value: number, eps: number },
      (o) => new Adagrad(o),
    ),
  ],
  [
    'rmsprop',
    entry<RMSpropOptions>(
      { alpha: number, eps: number, weight_decay: number, momentum: number, centered: flag },
      (o) => new RMSprop(o),
    ),
  ],
  [
    'rprop',
    entry<RpropOptions>(
      { etas: z.tuple([number, number]), step_sizes: z.tuple([number, number]) },
      (o) => new Rprop(o),
    ),
  ],
  [
    'novograd',
    entry<NovogradOptions>(
      { ...adam, grad_averaging: flag, amsgrad: flag, luc: flag, luc_trust: number, luc_eps: number },
      (o) => new Novograd(o),
    ),
  ],
  [
    'adafactor',
    entry<AdafactorOptions>(
      {
        eps: z.tuple([number, number]),
        clip_threshold: number,
        decay_rate: number,
        beta1: number.nullable(),
        weight_decay: number,
        scale_parameter: flag,
        relative_step: flag,
        warmup_init: flag,
        min_step: number,
      },
      (o) => new Adafactor(o),
    ),
  ],
])

/** Adds an optimiser of your own under a name. @throws OptimizerError if the name is taken. */
export function registerOptimizer(name: string, factory: OptimizerFactory): void {
  if (factories.has(name)) throw new OptimizerError(`An optimiser named ${name} exists already.`)
  factories.set(name, factory)
}

/**
 * The optimiser that an `optim` section describes; the learning rate is the scheduler's business.
 *
 * @throws OptimizerError for an unknown name, ConfigValidationError for unknown or wrong settings.
 */
export function createOptimizer(config: OptimizerConfig): Optimizer {
  const { name, lr: _lr, args, ...options } = config
  const factory = factories.get(name)
  if (!factory)
    throw new OptimizerError(
      `optim.name: unknown optimiser '${name}'. Known: ${[...factories.keys()].sort().join(', ')}.`,
    )
  // NeMo's configs may put the settings under args, with a name for their class.
  const { name: _auto, ...given } = typeof args === 'object' && args !== null ? (args as Record<string, unknown>) : {}
  return factory({ ...options, ...given })
}
