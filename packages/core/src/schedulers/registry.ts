import { SchedulerError } from './errors.js'
import type { Scheduler } from './scheduler.js'
import { cosineAnnealingLR, cyclicLR, exponentialLR, oneCycleLR, stepLR } from './torchPolicies.js'
import { noamAnnealing, warmupPolicy, warmupPolicyNames } from './warmupPolicies.js'

/** A `sched` section: NeMo's policy name and its settings. */
export interface SchedulerConfig {
  readonly name: string
  readonly [key: string]: unknown
}

/** Makes a learning-rate policy from its settings without `name`. */
export type SchedulerFactory = (
  config: Readonly<Record<string, unknown>>,
  baseLr: number,
  runSteps: number | undefined,
) => Scheduler

const factories = new Map<string, SchedulerFactory>([
  ...warmupPolicyNames.map((name): [string, SchedulerFactory] => [
    name,
    (config, baseLr, runSteps) => warmupPolicy(name, config, baseLr, runSteps),
  ]),
  ['NoamAnnealing', noamAnnealing],
  ['StepLR', stepLR],
  ['ExponentialLR', exponentialLR],
  ['CyclicLR', cyclicLR],
  ['OneCycleLR', oneCycleLR],
  ['CosineAnnealingLR', cosineAnnealingLR],
])

/** Adds a policy of your own under a name. @throws SchedulerError if the name is taken. */
export function registerScheduler(name: string, factory: SchedulerFactory): void {
  if (factories.has(name)) throw new SchedulerError(`A policy named ${name} exists already.`)
  factories.set(name, factory)
}

/**
 * The policy that a `sched` section describes; without one the rate stays `baseLr`.
 *
 * @param runSteps - Optimiser steps of the run, where the section does not say `max_steps`.
 * @throws SchedulerError for an unknown policy or settings that cannot work.
 */
export function createScheduler(config: SchedulerConfig | undefined, baseLr: number, runSteps?: number): Scheduler {
  if (!config) return { name: 'Constant', lr: () => baseLr }
  const { name, args, ...settings } = config
  const factory = factories.get(name)
  if (!factory)
    throw new SchedulerError(`sched.name: unknown policy '${name}'. Known: ${[...factories.keys()].sort().join(', ')}.`)
  // NeMo's configs may put the settings under args, with a name for their class.
  const { name: _auto, ...given } = typeof args === 'object' && args !== null ? (args as Record<string, unknown>) : {}
  return factory({ ...settings, ...given }, baseLr, runSteps)
}
