import { Novograd, type NovogradOptions } from './novograd.js'
import type { Optimizer } from './optimizer.js'

/** An `optim` section without its `sched`: NeMo's optimiser name, `lr` and the optimiser's settings. */
export interface OptimizerConfig {
  readonly name: string
  readonly lr?: number
  readonly [key: string]: unknown
}

/** Makes an optimiser from its settings. */
export type OptimizerFactory = (options: Readonly<Record<string, unknown>>) => Optimizer

const factories = new Map<string, OptimizerFactory>([['novograd', (options) => new Novograd(options as NovogradOptions)]])

/** Adds an optimiser under its NeMo name. */
export function registerOptimizer(name: string, factory: OptimizerFactory): void {
  factories.set(name, factory)
}

/**
 * The optimiser that an `optim` section describes.
 *
 * @throws RangeError for an unknown name.
 */
export function createOptimizer(config: OptimizerConfig): Optimizer {
  const { name, lr: _lr, ...options } = config
  const factory = factories.get(name)
  if (!factory) throw new RangeError(`optim.name: unknown optimiser '${name}'. Known: ${[...factories.keys()].sort().join(', ')}.`)
  return factory(options)
}
