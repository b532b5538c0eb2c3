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
 * `lr-NAME/pg1` (the weights in no group) and on. Where optimisers take turns, the second of a class is `lr-NAME-1`.
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
    if (this.#interval === 'epoch' && trainer.progress.batch === 0) await log(trainer, 0)
  }

  async onTrainBatchEnd(trainer: Trainer, _model: Model, { gradNorm }: StepResult): Promise<void> {
    const moved = gradNorm !== undefined
    if (this.#interval === 'step' && moved && trainer.globalStep % trainer.config.log_every_n_steps === 0)
      await log(trainer, 1)
  }
}

// Rates of the step that so many steps ago was the next one.
async function log(trainer: Trainer, ago: number): Promise<void> {
  const rates: Record<string, number> = {}
  const classes: string[] = []
  for (const { optimization, stepsDone } of trainer.optimizers) {
    const { groups = [], ...rule } = optimization
    const type = rule.optimizer.constructor.name
    const before = classes.filter((other) => other === type).length
    classes.push(type)
    const name = `lr-${type}${before === 0 ? '' : `-${before}`}`
    const rules = [rule, ...groups]
    for (const [i, { scheduler }] of rules.entries())
      rates[rules.length > 1 ? `${name}/pg${i + 1}` : name] = scheduler.lr(Math.max(0, stepsDone - ago))
  }
  await trainer.log(rates)
}
