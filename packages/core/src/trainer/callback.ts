import type { MetricAccumulator } from '../models/metrics.js'
import type { Model } from '../models/model.js'
import type { Trainer } from './trainer.js'
import type { StepResult } from './trainingProgram.js'
import type { WeightAverage } from './weightAverage.js'

/** Values by name, e.g. `{ val_loss: 1.2, val_wer: 0.3 }`. */
export type Metrics = Readonly<Record<string, number>>

/** What a callback remembers in a checkpoint. */
export type CallbackState = Readonly<Record<string, number | string | boolean | null | readonly number[]>>

/** A complete evaluation: what was gathered on each set, in order. */
export interface EvaluatedSets {
  readonly purpose: 'validation' | 'test'
  readonly sets: readonly { readonly name: string; readonly metrics: MetricAccumulator }[]
}

/**
 * Hooks into a run. All are optional and awaited, in the order of the callbacks; those that write checkpoints come last,
 * so that a checkpoint holds what the others remember.
 *
 * Order of hooks: onFitStart; per epoch onTrainEpochStart, then per batch onTrainBatchStart, onLog (at logging
 * steps), onTrainBatchEnd and, where a validation is due, onValidationStart, onValidationBatchEnd, onEvaluationEnd, onLog, onValidationEnd; onTrainEpochEnd; at last
 * onInterrupt (if so) and onFitEnd, or onException. A resumed run enters its epoch by onTrainEpochStart once more.
 */
export interface Callback {
  /** Whether this callback writes checkpoints. */
  readonly savesCheckpoints?: boolean
  /** Averages of the weights that the training step shall keep. One callback of a trainer may have them. */
  readonly weightAverage?: WeightAverage
  onFitStart?(trainer: Trainer, model: Model): void | Promise<void>
  onTrainEpochStart?(trainer: Trainer, model: Model): void | Promise<void>
  /** @param batchIndex - Position of the batch in the epoch; batches without usable samples are left out. */
  onTrainBatchStart?(trainer: Trainer, model: Model, batchIndex: number): void | Promise<void>
  onTrainBatchEnd?(trainer: Trainer, model: Model, result: StepResult, batchIndex: number): void | Promise<void>
  onTrainEpochEnd?(trainer: Trainer, model: Model): void | Promise<void>
  /** Metrics were logged at a step: training metrics, or those of a validation. */
  onLog?(trainer: Trainer, metrics: Metrics, step: number): void | Promise<void>
  onValidationStart?(trainer: Trainer, model: Model, batches: number): void | Promise<void>
  /** @param batchIndex - Batches done over all sets before this one. */
  onValidationBatchEnd?(trainer: Trainer, model: Model, batchIndex: number): void | Promise<void>
  /** All sets of a validation (in `fit` or alone) or of a test were evaluated. */
  onEvaluationEnd?(trainer: Trainer, model: Model, evaluated: EvaluatedSets): void | Promise<void>
  /** A validation of `fit` is complete. */
  onValidationEnd?(trainer: Trainer, model: Model, metrics: Metrics): void | Promise<void>
  onPredictStart?(trainer: Trainer, model: Model, batches: number): void | Promise<void>
  /** @param batchIndex - Position of the batch in the data. */
  onPredictBatchEnd?(trainer: Trainer, model: Model, batchIndex: number): void | Promise<void>
  /** Something that a person should read: samples left out, and the like. */
  onMessage?(trainer: Trainer, line: string): void | Promise<void>
  /** The user or the system asked to stop; a checkpoint should be written. */
  onInterrupt?(trainer: Trainer, model: Model): void | Promise<void>
  onException?(trainer: Trainer, model: Model, error: unknown): void | Promise<void>
  onFitEnd?(trainer: Trainer, model: Model): void | Promise<void>
  /** What this callback must remember to go on after a resume. */
  state?(): CallbackState
  /** Takes back what `state` gave; called before onFitStart. A wish to stop training must be expressed again there. */
  loadState?(state: CallbackState): void
}
