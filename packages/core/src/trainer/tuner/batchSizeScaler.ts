import { isConfigObject } from '../../config/configValue.js'
import { nodeModule } from '../../config/nodeModule.js'
import type { Model } from '../../models/model.js'
import { TrainerError } from '../errors.js'
import type { TrainingProgramOptions } from '../trainingProgram.js'
import { TurnPrograms } from '../turnPrograms.js'
import { snapshot } from './snapshot.js'

/** Settings of the search; Lightning's keys and defaults. */
export interface BatchSizeScalerOptions {
  /** `power` doubles as long as it goes well; `binsearch` then looks between the last two. Default `power`. */
  readonly mode?: 'power' | 'binsearch'
  /** Batches to train on with each size. Default 3. */
  readonly steps_per_trial?: number
  /** First size. Default 2. */
  readonly init_val?: number
  /** Sizes to try at most. Default 25. */
  readonly max_trials?: number
}

// Of the memory that is free; the rest is for what else is going on.
const USABLE_MEMORY = 0.8

/**
 * The largest batch size with which training steps fit into memory, up to all samples in one batch. A machine that runs
 * out of memory may end the process before an allocation fails, so a size is tried only if twice the memory of half
 * its size is free.
 *
 * Source: Lightning v1.3 `scale_batch_size`, which tries until memory runs out.
 *
 * @returns the size; `cfg.train_ds.batch_size` and the training data then have it.
 * @throws TrainerError if `cfg.train_ds` is missing, or not even the first size fits.
 */
export async function scaleBatchSize(
  model: Model,
  program: Omit<TrainingProgramOptions, 'ports' | 'average'> & { readonly seed: number },
  options: BatchSizeScalerOptions = {},
): Promise<number> {
  const { steps_per_trial = 3, init_val = 2, max_trials = 25, mode = 'power' } = options
  const { train_ds } = model.cfg
  if (!isConfigObject(train_ds))
    throw new TrainerError(`${model.constructor.name}: auto_scale_batch_size needs the training data in cfg.train_ds.`)
  let measured: { readonly size: number; readonly bytes: number } | undefined
  const fits = async (size: number): Promise<boolean> => {
    if (measured && (measured.bytes * size) / measured.size > USABLE_MEMORY * freeMemory()) return false
    await model.setupTrainingData({ ...train_ds, batch_size: size })
    const bytes = await trialBytes(model, program, steps_per_trial)
    if (bytes === undefined) return false
    measured = { size, bytes }
    return true
  }
  await model.setupTrainingData({ ...train_ds, batch_size: 1 })
  const size = await largestThatFits(fits, { mode, first: init_val, most: model.trainingLoader!.length, max_trials })
  if (size === undefined)
    throw new TrainerError(`auto_scale_batch_size: not even batches of ${init_val} samples fit into memory.`)
  train_ds.batch_size = size
  await model.setupTrainingData(train_ds)
  return size
}

/**
 * Largest whole number for which `fits` holds, by doubling and, in mode `binsearch`, halving the gap.
 *
 * @param limits.most - Numbers above are not tried.
 * @returns undefined if the first one does not fit.
 */
export async function largestThatFits(
  fits: (size: number) => Promise<boolean>,
  limits: {
    readonly mode: 'power' | 'binsearch'
    readonly first: number
    readonly most: number
    readonly max_trials: number
  },
): Promise<number | undefined> {
  const { mode, first, most, max_trials } = limits
  let good: number | undefined
  let bad = most + 1
  let size = Math.min(first, most)
  for (let trial = 0; trial < max_trials; trial++) {
    if (await fits(size)) good = size
    else bad = size
    const failed = bad <= most
    if (good === undefined || bad - good <= 1 || (failed && mode === 'power')) break
    size = failed ? Math.floor((good + bad) / 2) : Math.min(2 * good, most)
  }
  return good
}

// Memory of a training step's activations; undefined if there was too little.
async function trialBytes(
  model: Model,
  options: Parameters<typeof scaleBatchSize>[1],
  steps: number,
): Promise<number | undefined> {
  const loader = model.trainingLoader!
  model.nameParameters()
  const restore = await snapshot(model)
  const maxSteps = options.maxSteps ?? steps
  const programs = await TurnPrograms.build(model, { ...options, maxSteps, ports: loader.outputTypes })
  try {
    for await (const { position, batch } of loader.epoch(0, 0, steps)) {
      const moment = { optimizerStep: 0, randomStep: position, seed: options.seed, applies: true }
      if (batch) for (const { program } of programs.turns) await program.run(batch, moment)
    }
    return await programs.workspaceBytes()
  } catch (error) {
    if (/alloc|out of memory/i.test(String(error))) return undefined
    throw error
  } finally {
    await programs.dispose()
    restore()
  }
}

function freeMemory(): number {
  // Knows the limits of a container, where Node has it.
  const { availableMemory } = process as { availableMemory?: () => number }
  return availableMemory?.call(process) ?? nodeModule('node:os').freemem()
}
