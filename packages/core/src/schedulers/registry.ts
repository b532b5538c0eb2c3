import type { Scheduler } from './scheduler.js'

/** A `sched` section: NeMo's policy name and its settings. */
export interface SchedulerConfig {
  readonly name: string
  readonly [key: string]: unknown
}

/** Makes a learning-rate policy. */
export type SchedulerFactory = (config: SchedulerConfig, baseLr: number, maxSteps: number | undefined) => Scheduler

const factories = new Map<string, SchedulerFactory>()

/** Adds a policy under its NeMo name. */
export function registerScheduler(name: string, factory: SchedulerFactory): void {
  factories.set(name, factory)
}

/**
 * The policy that a `sched` section describes; without one the rate stays `baseLr`.
 *
 * @param maxSteps - Optimiser steps of the run, where the section does not say `max_steps`.
 * @throws RangeError for an unknown policy.
 */
export function createScheduler(config: SchedulerConfig | undefined, baseLr: number, maxSteps?: number): Scheduler {
  if (!config) return { name: 'Constant', lr: () => baseLr }
  const factory = factories.get(config.name)
  if (!factory) throw new RangeError(`sched.name: unknown policy '${config.name}'. Known: ${[...factories.keys()].sort().join(', ')}.`)
  return factory(config, baseLr, maxSteps)
}
