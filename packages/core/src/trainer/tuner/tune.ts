import { isConfigObject } from '../../config/configValue.js'
import type { Model } from '../../models/model.js'
import { TrainerError } from '../errors.js'
import type { TrainerConfig } from '../trainerConfig.js'
import type { TrainingProgramOptions } from '../trainingProgram.js'
import { scaleBatchSize } from './batchSizeScaler.js'
import { findLearningRate, type LearningRateCurve } from './learningRateFinder.js'

/** Outcome of `Trainer.tune`; undefined for what was not looked for. */
export interface TuneResult {
  readonly batchSize: number | undefined
  readonly learningRate: LearningRateCurve | undefined
}

/** Looks for what the config wants, and writes it into the model's config. See `Trainer.tune`. */
export async function tune(
  model: Model,
  { auto_scale_batch_size, auto_lr_find }: TrainerConfig,
  program: Omit<TrainingProgramOptions, 'ports' | 'average'> & { readonly seed: number },
): Promise<TuneResult> {
  const mode = auto_scale_batch_size === true ? 'power' : auto_scale_batch_size
  const batchSize = mode ? await scaleBatchSize(model, program, { mode }) : undefined
  if (!auto_lr_find) return { batchSize, learningRate: undefined }
  const learningRate = await findLearningRate(model, program)
  const { optim } = model.cfg
  if (learningRate.suggestion === undefined || !isConfigObject(optim))
    throw new TrainerError(
      `auto_lr_find: the losses of ${learningRate.losses.length} batches give no hint of a learning rate. Set optim.lr yourself.`,
    )
  optim.lr = learningRate.suggestion
  return { batchSize, learningRate }
}
