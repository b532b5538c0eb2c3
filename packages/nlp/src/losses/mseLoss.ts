import {
  type Inputs,
  LabelsType,
  Loss,
  LossType,
  type Outputs,
  port,
  RegressionValuesType,
  registerTarget,
  typecheck,
  validateConfig,
} from '@nemo/core'
import { cast, reduceMean, reduceSum, square, sub } from '@nemo/graph'
import { z } from 'zod'

/** Keys of an `MSELoss`, with NeMo's names and defaults. */
export const mseLossConfigSchema = z.object({ reduction: z.enum(['mean', 'sum', 'none']).default('mean') })

/** Keys of an `MSELoss`. */
export type MSELossConfig = z.input<typeof mseLossConfigSchema>

/** Squared differences of predictions and labels, by their mean. Source: NeMo v1.0.0 `MSELoss`. */
export class MSELoss extends Loss {
  static readonly inputTypes = { preds: port('B', RegressionValuesType), labels: port('B', LabelsType) }
  static readonly outputTypes = { loss: port(null, LossType) }

  readonly #reduction: 'mean' | 'sum' | 'none'

  /** @throws ConfigValidationError naming each wrong key, its value and what is allowed. */
  constructor(config: MSELossConfig = {}) {
    super()
    this.#reduction = validateConfig(mseLossConfigSchema, config, { source: 'MSELoss' }).reduction
  }

  /** Predictions `[B]` and labels `[B]` of any dtype -> a scalar, or `[B]` without reduction. */
  @typecheck()
  forward({ preds, labels }: Inputs<typeof MSELoss>): Outputs<typeof MSELoss> {
    const losses = square(sub(preds, cast(labels, preds.dtype)))
    if (this.#reduction === 'none') return { loss: losses }
    return { loss: this.#reduction === 'mean' ? reduceMean(losses) : reduceSum(losses) }
  }
}

registerTarget(
  ['nemo.collections.common.losses.MSELoss', 'nemo.collections.common.losses.mse_loss.MSELoss'],
  (args) => new MSELoss(args as MSELossConfig),
)
