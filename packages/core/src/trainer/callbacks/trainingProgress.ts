import { ProgressBar } from '../../logging/progressBar.js'
import type { Model } from '../../models/model.js'
import type { Callback, Metrics } from '../callback.js'
import type { Trainer } from '../trainer.js'
import type { StepResult } from '../trainingProgram.js'

/** A bar over the whole training with time left, loss and the newest validation metrics. */
export class TrainingProgress implements Callback {
  #bar: ProgressBar | undefined
  #total = 0
  #smoothed: number | undefined
  #validation: Record<string, number> = {}

  onFitStart(trainer: Trainer): void {
    const byEpochs = trainer.maxEpochs * trainer.trainingBatches
    const steps = trainer.maxSteps(trainer.trainingBatches)
    this.#total = steps === undefined ? byEpochs : Math.min(byEpochs, steps * trainer.config.accumulate_grad_batches)
    this.#bar = new ProgressBar({
      label: 'training',
      unit: 'batch',
      initial: trainer.progress.batchesDone,
      ...(Number.isFinite(this.#total) && { total: this.#total }),
    })
  }

  onTrainBatchEnd(trainer: Trainer, _model: Model, result: StepResult): void {
    this.#smoothed = this.#smoothed === undefined ? result.loss : 0.95 * this.#smoothed + 0.05 * result.loss
    this.#bar?.update(trainer.progress.batchesDone, {
      epoch: trainer.currentEpoch + 1,
      loss: Number(this.#smoothed.toPrecision(4)),
      ...this.#validation,
    })
  }

  onValidationEnd(trainer: Trainer, _model: Model, metrics: Metrics): void {
    this.#validation = Object.fromEntries(Object.entries(metrics).filter(([name]) => /^val_/.test(name)))
    this.#bar?.update(trainer.progress.batchesDone, this.#validation)
  }

  onInterrupt(): void {
    this.#bar?.finish()
  }

  onException(): void {
    this.#bar?.finish()
  }

  onFitEnd(): void {
    this.#bar?.finish()
  }
}
