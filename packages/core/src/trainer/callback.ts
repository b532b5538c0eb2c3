import type { Model } from '../models/model.js'
import type { Trainer } from './trainer.js'
import type { StepResult } from './trainingProgram.js'

/** Values by name, e.g. `{ val_loss: 1.2, val_wer: 0.3 }`. */
export type Metrics = Readonly<Record<string, number>>

/** Hooks into a run. All are optional and awaited in order. */
export interface Callback {
  onFitStart?(trainer: Trainer, model: Model): void | Promise<void>
  onTrainEpochStart?(trainer: Trainer, model: Model): void | Promise<void>
  onTrainBatchEnd?(trainer: Trainer, model: Model, result: StepResult, batchIndex: number): void | Promise<void>
  onTrainEpochEnd?(trainer: Trainer, model: Model): void | Promise<void>
  /** Metrics were logged at a step: training metrics, or those of a validation. */
  onLog?(trainer: Trainer, metrics: Metrics, step: number): void | Promise<void>
  onValidationStart?(trainer: Trainer, model: Model, batches: number): void | Promise<void>
  onValidationBatchEnd?(trainer: Trainer, model: Model, batchIndex: number): void | Promise<void>
  onValidationEnd?(trainer: Trainer, model: Model, metrics: Metrics): void | Promise<void>
  /** Something that a person should read: samples left out, and the like. */
  onMessage?(trainer: Trainer, line: string): void | Promise<void>
  /** The user or the system asked to stop; a checkpoint should be written. */
  onInterrupt?(trainer: Trainer, model: Model): void | Promise<void>
  onException?(trainer: Trainer, model: Model, error: unknown): void | Promise<void>
  onFitEnd?(trainer: Trainer, model: Model): void | Promise<void>
  /** What this callback must remember to go on after a resume. */
  state?(): Readonly<Record<string, number | string | boolean | null>>
  loadState?(state: Readonly<Record<string, number | string | boolean | null>>): void
}
