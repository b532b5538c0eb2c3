import type { Model } from '../../models/model.js'
import type { Callback } from '../callback.js'
import type { Trainer } from '../trainer.js'
import type { StepResult } from '../trainingProgram.js'

/** Settings of the timing callback. */
export interface TimingCallbackOptions {
  /** Batches whose mean is logged. Default 1. */
  readonly buffer_size?: number
}

// Mean of the newest values.
class Buffer {
  readonly #values: number[] = []
  constructor(readonly size: number) {}

  add(value: number): void {
    this.#values.push(value)
    if (this.#values.length > this.size) this.#values.shift()
  }

  get mean(): number {
    return this.#values.reduce((sum, value) => sum + value, 0) / this.#values.length
  }
}

/**
 * Logs how long things take, in seconds: `train_step_timing in s` (one batch) at logging steps,
 * `validation_step_timing in s` (mean over a validation's batches, data included) after validations, and
 * `train_epoch_timing in s` (validations included) after epochs.
 *
 * Source: NeMo v1.6 `TimingCallback`, which has no epochs.
 */
export class TimingCallback implements Callback {
  readonly #steps: Buffer
  #epochStart = 0
  #stepStart = 0
  #validationStart = 0
  #validationBatches = 0

  constructor({ buffer_size = 1 }: TimingCallbackOptions = {}) {
    this.#steps = new Buffer(buffer_size)
  }

  onTrainEpochStart(): void {
    this.#epochStart = performance.now()
  }

  onTrainBatchStart(): void {
    this.#stepStart = performance.now()
  }

  async onTrainBatchEnd(trainer: Trainer, _model: Model, { gradNorm }: StepResult): Promise<void> {
    this.#steps.add(secondsSince(this.#stepStart))
    if (gradNorm !== undefined && trainer.globalStep % trainer.config.log_every_n_steps === 0)
      await trainer.log({ 'train_step_timing in s': this.#steps.mean })
  }

  onValidationStart(): void {
    this.#validationStart = performance.now()
    this.#validationBatches = 0
  }

  onValidationBatchEnd(): void {
    this.#validationBatches++
  }

  async onValidationEnd(trainer: Trainer): Promise<void> {
    const batches = Math.max(1, this.#validationBatches)
    await trainer.log({ 'validation_step_timing in s': secondsSince(this.#validationStart) / batches })
  }

  async onTrainEpochEnd(trainer: Trainer): Promise<void> {
    await trainer.log({ 'train_epoch_timing in s': secondsSince(this.#epochStart) })
  }
}

const secondsSince = (start: number): number => (performance.now() - start) / 1000
