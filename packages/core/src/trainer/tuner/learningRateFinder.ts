import type { DataLoader } from '../../data/dataLoader.js'
import type { Batch } from '../../data/dataset.js'
import type { Model } from '../../models/model.js'
import type { Scheduler } from '../../schedulers/scheduler.js'
import { TrainerError } from '../errors.js'
import { TrainingProgram, type TrainingProgramOptions } from '../trainingProgram.js'
import { snapshot } from './snapshot.js'

/** Settings of the search; Lightning's keys and defaults. */
export interface LearningRateFinderOptions {
  /** First rate. Default 1e-8. */
  readonly min_lr?: number
  /** Last rate. Default 1. */
  readonly max_lr?: number
  /** Batches to train on. Default 100. */
  readonly num_training?: number
  /** How the rate grows. Default `exponential`. */
  readonly mode?: 'exponential' | 'linear'
  /** Ends the search where the smoothed loss exceeds its least value so many times; null for never. Default 4. */
  readonly early_stop_threshold?: number | null
}

/** Loss over rate. */
export interface LearningRateCurve {
  readonly rates: readonly number[]
  /** Losses, smoothed. */
  readonly losses: readonly number[]
  /** The rate at which the loss falls fastest; undefined if there are too few points. */
  readonly suggestion: number | undefined
}

const SMOOTHING = 0.98
/** Batches that are trained on in turn. */
const BATCHES = 8
const SKIP_BEGIN = 10
const SKIP_END = 1

/**
 * Trains with growing learning rates for some batches, and then puts all weights and statistics back: the learning-rate
 * range test (Smith 2017).
 *
 * Losses of batches differ more than the first rates change them, by the lengths of utterances alone; so a few batches are used
 * in turn, and each counts by how far its loss has come from where it was.
 *
 * Source: Lightning v1.3 `lr_find`, which takes the losses of ever new batches as they are.
 *
 * @throws TrainerError if the model has no training data.
 */
export async function findLearningRate(
  model: Model,
  program: Omit<TrainingProgramOptions, 'ports' | 'accumulate' | 'average'> & { readonly seed: number },
  options: LearningRateFinderOptions = {},
): Promise<LearningRateCurve> {
  const { num_training = 100, early_stop_threshold = 4 } = options
  const loader = model.trainingLoader
  if (!loader) throw new TrainerError(`${model.constructor.name} has no training data to find a learning rate on.`)
  const scheduler = growingRate(options, num_training)
  const [turn, ...others] = model.optimizerTurns(num_training)
  if (!turn || others.length > 0)
    throw new TrainerError(
      `${model.constructor.name} is trained by ${others.length + 1} optimisers in turn; a learning rate can be found for one. Set the rates yourself.`,
    )
  const { optimizer, groups = [] } = turn.optimization
  const optimization = { optimizer, scheduler, groups: groups.map((group) => ({ ...group, scheduler })) }
  model.nameParameters()
  const restore = await snapshot(model)
  const step = TrainingProgram.build(
    model,
    { ...turn, optimization },
    {
      ...program,
      ports: loader.outputTypes,
      accumulate: 1,
      maxSteps: num_training,
    },
  )
  const [rates, losses]: [number[], number[]] = [[], []]
  let average = 0
  let best = Number.POSITIVE_INFINITY
  try {
    const batches = await firstBatches(loader, Math.min(BATCHES, num_training))
    const train = async (batch: Batch, optimizerStep: number, randomStep: number) =>
      (await step.run(batch, { optimizerStep, randomStep, seed: program.seed, applies: true })).loss
    // At the least rate, which changes next to nothing.
    const firstLosses: number[] = []
    for (const batch of batches) firstLosses.push(await train(batch, 0, firstLosses.length))
    const progress = lossProgress(firstLosses)
    for (let at = 0; at < num_training; at++) {
      const loss = progress(await train(batches[at % batches.length]!, at, batches.length + at), at % batches.length)
      average = SMOOTHING * average + (1 - SMOOTHING) * loss
      const smoothed = average / (1 - SMOOTHING ** (at + 1))
      rates.push(scheduler.lr(at))
      losses.push(smoothed)
      if (early_stop_threshold !== null && at > 0 && !(smoothed <= early_stop_threshold * best)) break
      best = Math.min(best, smoothed)
    }
  } finally {
    await step.dispose()
    restore()
  }
  return { rates, losses, suggestion: steepestRate(rates, losses) }
}

// From min_lr in the first step to max_lr in the last.
function growingRate({ min_lr = 1e-8, max_lr = 1, mode }: LearningRateFinderOptions, steps: number): Scheduler {
  const share = (step: number) => (step === 0 ? 0 : (step + 1) / steps)
  const lr =
    mode === 'linear'
      ? (step: number) => min_lr + (max_lr - min_lr) * share(step)
      : (step: number) => min_lr * (max_lr / min_lr) ** share(step)
  return { name: 'LearningRateFinder', lr }
}

async function firstBatches(loader: DataLoader, count: number): Promise<Batch[]> {
  const batches: Batch[] = []
  for await (const { batch } of loader.epoch(0)) {
    if (batch) batches.push(batch)
    if (batches.length === count) break
  }
  if (batches.length === 0) throw new TrainerError('Not one sample of the training data could be used.')
  return batches
}

/** What a batch's loss would be if its first one had been the mean of all first ones. */
function lossProgress(firstLosses: readonly number[]): (loss: number, batch: number) => number {
  const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length
  const [start, scale] = [mean(firstLosses), mean(firstLosses.map(Math.abs))]
  return (loss, batch) => {
    const first = firstLosses[batch]!
    // A loss near zero would make much of nothing.
    return start + ((loss - first) / Math.max(Math.abs(first), 0.01 * scale)) * scale
  }
}

/**
 * The rate at which the loss falls fastest, the first points and the last left out.
 *
 * @returns undefined if fewer than two points are left.
 */
export function steepestRate(rates: readonly number[], losses: readonly number[]): number | undefined {
  const points = losses
    .map((loss, i) => ({ loss, rate: rates[i]! }))
    .slice(SKIP_BEGIN, losses.length - SKIP_END)
    .filter(({ loss }) => Number.isFinite(loss))
  if (points.length < 2) return undefined
  const slopes = points.map((_, i) => {
    const [before, after] = [Math.max(0, i - 1), Math.min(points.length - 1, i + 1)]
    return (points[after]!.loss - points[before]!.loss) / (after - before)
  })
  return points[slopes.indexOf(Math.min(...slopes))]!.rate
}
