import type { Model } from '../../models/model.js'
import type { Callback } from '../callback.js'
import type { Trainer } from '../trainer.js'
import type { StepResult } from '../trainingProgram.js'

/** Settings of the learning-rate monitor; Lightning's keys. */
export interface LearningRateMonitorOptions {
  /** `step`: at the steps that `log_every_n_steps` names; `epoch`: at the start of each epoch. Default `step`. */
  readonly logging_interval?: 'step' | 'epoch' | null
}

/**
 * Logs the learning rate as `lr-NAME`, where NAME is the optimiser's class; with groups of weights each one's, as
 * `lr-NAME/pg1` (the weights in no group) and on.
 *
 * Source: Lightning v1.3 `LearningRateMonitor`.
 */
export class LearningRateMonitor implements Callback {
  readonly #interval: 'step' | 'epoch'

  constructor({ logging_interval }: LearningRateMonitorOptions = {}) {
    this.#interval = logging_interval ?? 'step'
  }

  async onTrainEpochStart(trainer: Trainer): Promise<void> {
    // A resumed run enters its epoch a second time.
    if (this.#interval === 'epoch' && trainer.progress.batch === 0) await log(trainer, trainer.globalStep)
  }

  async onTrainBatchEnd(trainer: Trainer, _model: Model, { gradNorm }: StepResult): Promise<void> {
    const moved = gradNorm !== undefined
    if (this.#interval === 'step' && moved && trainer.globalStep % trainer.config.log_every_n_steps === 0)
      await log(trainer, trainer.globalStep - 1)
  }
}

async function log(trainer: Trainer, step: number): Promise<void> {
  const { groups = [], ...rule } = trainer.optimization!
  const rules = [rule, ...groups]
  const name = `lr-${rule.optimizer.constructor.name}`
  const names = rules.map((_, i) => (rules.length > 1 ? `${name}/pg${i + 1}` : name))
  await trainer.log(Object.fromEntries(rules.map(({ scheduler }, i) => [names[i]!, scheduler.lr(step)])))
}
