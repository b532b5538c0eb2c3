import { z } from 'zod'
import { validateConfig } from '../config/validateConfig.js'
import { SchedulerError } from './errors.js'
import type { Scheduler } from './scheduler.js'

const common = {
  warmup_steps: z.number().int().min(0).nullable().default(null),
  /** Share of max_steps. */
  warmup_ratio: z.number().min(0).max(1).nullable().default(null),
  max_steps: z.number().int().nullable().default(null),
  min_lr: z.number().min(0).default(0),
  /** NeMo's configs carry it; the step decides here. */
  last_epoch: z.number().int().default(-1),
  /** Lightning's keys in NeMo's configs, which change nothing for policies by step. */
  monitor: z.string().optional(),
  reduce_on_plateau: z.boolean().optional(),
  t_max: z.number().optional(),
  iters_per_batch: z.number().nullable().optional(),
}
const hold = {
  hold_steps: z.number().int().min(0).nullable().default(null),
  /** Share of max_steps. */
  hold_ratio: z.number().min(0).max(1).nullable().default(null),
}
const polynomial = { power: z.number().default(1), cycle: z.boolean().default(false) }

/** What the phases after warm-up see. */
interface Phase {
  readonly baseLr: number
  readonly warmup: number
  /** First step after holding, 0 without. */
  readonly held: number
  readonly minLr: number
  readonly maxSteps: number
}

type Settings = Readonly<Record<string, unknown>>
type Decay = (step: number, phase: Phase, settings: Settings) => number

interface Policy {
  readonly schema: z.ZodType<Settings>
  readonly decay: Decay
  readonly holds?: boolean
}

const polynomialDecay = (phase: Phase, settings: Settings, step: number, decaySteps: number): number => {
  const { power, cycle } = settings as { power: number; cycle: boolean }
  const length = cycle ? decaySteps * (step === 0 ? 1 : Math.ceil(step / decaySteps)) : decaySteps
  const progress = (cycle ? step : Math.min(step, decaySteps)) / length
  return (phase.baseLr - phase.minLr) * (1 - progress) ** power + phase.minLr
}

const policies: Readonly<Record<string, Policy>> = {
  WarmupPolicy: { schema: z.strictObject(common), decay: (_step, { baseLr }) => baseLr },
  WarmupHoldPolicy: {
    schema: z.strictObject({ ...common, ...hold }),
    holds: true,
    decay: (_step, { baseLr }) => baseLr,
  },
  SquareAnnealing: {
    schema: z.strictObject({ ...common, min_lr: z.number().min(0).default(1e-5) }),
    decay: (step, { baseLr, warmup, maxSteps, minLr }) =>
      Math.max(baseLr * ((maxSteps - step) / (maxSteps - warmup)) ** 2, minLr),
  },
  SquareRootAnnealing: {
    // The warm-up is not taken off the step here, unlike the square.
    schema: z.strictObject(common),
    decay: (step, { baseLr, maxSteps, minLr }) => Math.max(baseLr * ((maxSteps - step) / maxSteps) ** 0.5, minLr),
  },
  CosineAnnealing: {
    schema: z.strictObject(common),
    decay: (step, { baseLr, warmup, maxSteps, minLr }) => {
      if (baseLr < minLr)
        throw new SchedulerError(`CosineAnnealing: the learning rate ${baseLr} is below min_lr ${minLr}. Lower min_lr.`)
      return (baseLr - minLr) * 0.5 * (1 + Math.cos((Math.PI * (step - warmup)) / (maxSteps - warmup))) + minLr
    },
  },
  WarmupAnnealing: {
    schema: z.strictObject(common),
    decay: (step, { baseLr, warmup, maxSteps }) =>
      baseLr * Math.max((step / maxSteps - 1) / (warmup / maxSteps - 1), 0),
  },
  InverseSquareRootAnnealing: {
    schema: z.strictObject(common),
    decay: (step, { baseLr, warmup }) => baseLr / ((step + 1) / (warmup + 1)) ** 0.5,
  },
  PolynomialDecayAnnealing: {
    schema: z.strictObject({ ...common, ...polynomial }),
    decay: (step, phase, settings) =>
      polynomialDecay(phase, settings, step - phase.warmup, phase.maxSteps - phase.warmup),
  },
  PolynomialHoldDecayAnnealing: {
    schema: z.strictObject({ ...common, ...hold, ...polynomial }),
    holds: true,
    decay: (step, phase, settings) =>
      polynomialDecay(phase, settings, step - phase.held, phase.maxSteps - Math.max(phase.warmup, phase.held)),
  },
}

/** Names of the policies that start with a warm-up. */
export const warmupPolicyNames: readonly string[] = Object.keys(policies)

function stepsOf(settings: Settings, kind: 'warmup' | 'hold', maxSteps: number | null): number | null {
  const steps = settings[`${kind}_steps`] as number | null
  const ratio = settings[`${kind}_ratio`] as number | null
  if (steps !== null && ratio !== null)
    throw new SchedulerError(`Give ${kind}_steps or ${kind}_ratio, not both; found ${steps} and ${ratio}.`)
  if (ratio !== null && maxSteps === null) throw new SchedulerError(`${kind}_ratio needs max_steps.`)
  return ratio !== null ? Math.trunc(ratio * maxSteps!) : steps
}

/**
 * A policy with warm-up: the rate is baseLr (step + 1) / (warmup + 1) up to the warm-up's end, then the policy's own
 * curve, then min_lr once step > max_steps.
 *
 * Source: NeMo v1.0.0 `lr_scheduler.py`. NeMo fails in the middle of training where max_steps is missing; here making
 * the policy fails.
 *
 * @throws SchedulerError for settings that contradict each other, ConfigValidationError for unknown keys.
 */
export function warmupPolicy(name: string, config: Settings, baseLr: number, runSteps?: number): Scheduler {
  const policy = policies[name]!
  const settings = validateConfig(policy.schema, config, { source: `sched ${name}` })
  const maxSteps = (settings.max_steps as number | null) ?? runSteps ?? null
  if (maxSteps === null)
    throw new SchedulerError(`${name} needs max_steps. Set sched.max_steps, trainer.max_steps or trainer.max_epochs.`)
  const warmup = stepsOf(settings, 'warmup', maxSteps) ?? 0
  const holdSteps = policy.holds ? stepsOf(settings, 'hold', maxSteps) : null
  const held = holdSteps === null ? 0 : holdSteps + warmup
  const phase: Phase = { baseLr, warmup, held, minLr: settings.min_lr as number, maxSteps }
  return {
    name,
    lr(step) {
      if (step <= warmup) return (baseLr * (step + 1)) / (warmup + 1)
      if (step >= warmup && step < held) return baseLr
      if (step > maxSteps) return phase.minLr
      return policy.decay(step, phase, settings)
    },
  }
}

const noamSchema = z.strictObject({ ...common, d_model: z.number().positive() })

/**
 * The transformer's policy: baseLr d_model^-0.5 min(step^-0.5, step warmup^-1.5), steps counted from 1.
 *
 * @throws SchedulerError without warm-up, which would divide by zero.
 */
export function noamAnnealing(config: Settings, baseLr: number, runSteps?: number): Scheduler {
  const settings = validateConfig(noamSchema, config, { source: 'sched NoamAnnealing' })
  const maxSteps = settings.max_steps ?? runSteps ?? null
  if (maxSteps === null)
    throw new SchedulerError(
      'NoamAnnealing needs max_steps. Set sched.max_steps, trainer.max_steps or trainer.max_epochs.',
    )
  const warmup = stepsOf(settings, 'warmup', maxSteps) ?? 0
  if (warmup === 0) throw new SchedulerError('NoamAnnealing needs warmup_steps (or warmup_ratio) above 0.')
  if (baseLr < settings.min_lr)
    throw new SchedulerError(`NoamAnnealing: the learning rate ${baseLr} is below min_lr ${settings.min_lr}.`)
  return {
    name: 'NoamAnnealing',
    lr(step) {
      const at = Math.max(1, step)
      if (at > maxSteps) return settings.min_lr
      const rate = baseLr * settings.d_model ** -0.5 * Math.min(at ** -0.5, at * warmup ** -1.5)
      return at > warmup ? Math.max(rate, settings.min_lr) : rate
    },
  }
}
