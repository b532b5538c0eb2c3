import type { Purpose } from './evaluationLoop.js'
import { limitedBatches, type TrainerConfig } from './trainerConfig.js'

/** How many epochs, steps and batches the settings of a trainer allow, and when they ask for a validation. */
export class RunLimits {
  readonly #config: TrainerConfig

  constructor(config: TrainerConfig) {
    this.#config = config
  }

  /** Batches that `fast_dev_run` allows, or 0 when it is off. */
  get fastBatches(): number {
    return Number(this.#config.fast_dev_run)
  }

  /** Epochs; Infinity for no limit. */
  get maxEpochs(): number {
    const { max_epochs, max_steps, max_time } = this.#config
    if (this.fastBatches > 0) return 1
    if (max_epochs !== null) return max_epochs < 0 ? Number.POSITIVE_INFINITY : max_epochs
    return (max_steps ?? -1) < 0 && max_time === null ? 1000 : Number.POSITIVE_INFINITY
  }

  /** Optimiser steps, or undefined if only callbacks or time can end training. */
  maxSteps(batchesPerEpoch: number): number | undefined {
    const byEpochs = this.maxEpochs * Math.ceil(batchesPerEpoch / this.#config.accumulate_grad_batches)
    const steps = this.#config.max_steps ?? -1
    const least = steps < 0 || this.fastBatches > 0 ? byEpochs : Math.min(steps, byEpochs)
    return Number.isFinite(least) ? least : undefined
  }

  /** Batches of an epoch of training, of a loader that has so many. */
  trainingBatches(loaded: number): number {
    const { overfit_batches, limit_train_batches } = this.#config
    if (this.fastBatches > 0) return Math.min(this.fastBatches, loaded)
    // Overfitting to one batch is what 1 means here; all of them would be no overfitting.
    if (overfit_batches >= 1) return Math.min(overfit_batches, loaded)
    return limitedBatches(overfit_batches || limit_train_batches, loaded)
  }

  /** Batches of an evaluation, of a loader that has so many. */
  evaluationBatches(loaded: number, purpose: Purpose): number {
    if (this.fastBatches > 0) return Math.min(this.fastBatches, loaded)
    const { limit_val_batches, limit_test_batches, limit_predict_batches } = this.#config
    const limits = { validation: limit_val_batches, test: limit_test_batches, predict: limit_predict_batches }
    return limitedBatches(limits[purpose], loaded)
  }

  /** Batches of each validation set before training. */
  get sanityBatches(): number {
    const { num_sanity_val_steps, overfit_batches } = this.#config
    if (overfit_batches > 0 || this.fastBatches > 0) return 0
    return num_sanity_val_steps < 0 ? Number.POSITIVE_INFINITY : num_sanity_val_steps
  }

  /**
   * Whether a validation comes after a batch of an epoch.
   *
   * @param batches - Batches of the epoch.
   */
  validatesAfter(position: number, epoch: number, batches: number): boolean {
    const { val_check_interval, check_val_every_n_epoch } = this.#config
    const share = this.fastBatches > 0 ? 1 : val_check_interval
    const interval = Math.min(batches, share <= 1 ? Math.max(1, Math.floor(batches * share)) : share)
    return (epoch + 1) % check_val_every_n_epoch === 0 && (position + 1) % interval === 0
  }

  /** Whether a wish to stop may be followed after so many epochs and steps. */
  mayStop(epochs: number, steps: number): boolean {
    const { min_epochs, min_steps } = this.#config
    return epochs >= min_epochs && steps >= (min_steps ?? 0)
  }
}
