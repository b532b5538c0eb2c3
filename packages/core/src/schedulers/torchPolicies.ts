import { z } from 'zod'
import { validateConfig } from '../config/validateConfig.js'
import type { Scheduler } from './scheduler.js'

type Settings = Readonly<Record<string, unknown>>

const stepSchema = z.strictObject({
  step_size: z.number().int().positive(),
  gamma: z.number().default(0.1),
  last_epoch: z.number().int().default(-1),
})

/** baseLr gamma^floor(step / step_size). PyTorch's `StepLR`. */
export function stepLR(config: Settings, baseLr: number): Scheduler {
  const { step_size, gamma } = validateConfig(stepSchema, config, { source: 'sched StepLR' })
  return { name: 'StepLR', lr: (step) => baseLr * gamma ** Math.floor(step / step_size) }
}

const exponentialSchema = z.strictObject({ gamma: z.number(), last_epoch: z.number().int().default(-1) })

/** baseLr gamma^step. PyTorch's `ExponentialLR`. */
export function exponentialLR(config: Settings, baseLr: number): Scheduler {
  const { gamma } = validateConfig(exponentialSchema, config, { source: 'sched ExponentialLR' })
  return { name: 'ExponentialLR', lr: (step) => baseLr * gamma ** step }
}

const cyclicSchema = z.strictObject({
  base_lr: z.number(),
  max_lr: z.number(),
  step_size_up: z.number().int().positive().default(2000),
  step_size_down: z.number().int().positive().nullable().default(null),
  mode: z.enum(['triangular', 'triangular2', 'exp_range']).default('triangular'),
  gamma: z.number().default(1),
  cycle_momentum: z.literal(false).default(false),
  last_epoch: z.number().int().default(-1),
})

/** The rate swings between base_lr and max_lr. PyTorch's `CyclicLR`; it leaves momentum alone. */
export function cyclicLR(config: Settings): Scheduler {
  const { base_lr, max_lr, step_size_up, step_size_down, mode, gamma } = validateConfig(cyclicSchema, config, {
    source: 'sched CyclicLR',
  })
  const total = step_size_up + (step_size_down ?? step_size_up)
  const up = step_size_up / total
  return {
    name: 'CyclicLR',
    lr(step) {
      const cycle = Math.floor(1 + step / total)
      const x = 1 + step / total - cycle
      const height = x <= up ? x / up : (x - 1) / (up - 1)
      const scale = mode === 'triangular' ? 1 : mode === 'triangular2' ? 1 / 2 ** (cycle - 1) : gamma ** step
      return base_lr + (max_lr - base_lr) * height * scale
    },
  }
}

const oneCycleSchema = z.strictObject({
  max_lr: z.number().positive(),
  total_steps: z.number().int().positive().nullable().default(null),
  pct_start: z.number().min(0).max(1).default(0.3),
  anneal_strategy: z.enum(['cos', 'linear']).default('cos'),
  div_factor: z.number().positive().default(25),
  final_div_factor: z.number().positive().default(1e4),
  last_epoch: z.number().int().default(-1),
})

/** One rise and one fall over the whole run (Smith & Topin 2017). PyTorch's `OneCycleLR`, two phases; it leaves momentum alone. */
export function oneCycleLR(config: Settings, _baseLr: number, runSteps?: number): Scheduler {
  const settings = validateConfig(oneCycleSchema, config, { source: 'sched OneCycleLR' })
  const total = settings.total_steps ?? runSteps
  if (total === undefined)
    throw new RangeError('OneCycleLR needs total_steps, trainer.max_steps or trainer.max_epochs.')
  const { max_lr, pct_start, anneal_strategy, div_factor, final_div_factor } = settings
  const start = max_lr / div_factor
  const end = start / final_div_factor
  const peak = pct_start * total - 1
  const between = (from: number, to: number, share: number) =>
    anneal_strategy === 'cos' ? to + ((from - to) / 2) * (1 + Math.cos(Math.PI * share)) : from + (to - from) * share
  return {
    name: 'OneCycleLR',
    lr: (step) =>
      step <= peak
        ? between(start, max_lr, step / peak)
        : between(max_lr, end, Math.min(1, (step - peak) / (total - 1 - peak))),
  }
}

const cosineRestartSchema = z.strictObject({
  T_max: z.number().positive(),
  eta_min: z.number().default(0),
  last_epoch: z.number().int().default(-1),
})

/** Half cosine waves of T_max steps between the rate and eta_min. PyTorch's `CosineAnnealingLR`. */
export function cosineAnnealingLR(config: Settings, baseLr: number): Scheduler {
  const { T_max, eta_min } = validateConfig(cosineRestartSchema, config, { source: 'sched CosineAnnealingLR' })
  return {
    name: 'CosineAnnealingLR',
    lr: (step) => eta_min + ((baseLr - eta_min) * (1 + Math.cos((Math.PI * step) / T_max))) / 2,
  }
}
