import {
  type Inputs,
  LabelsType,
  LengthsType,
  LogprobsType,
  Loss,
  LossType,
  type Outputs,
  port,
  registerTarget,
  typecheck,
  validateConfig,
} from '@nemo/core'
import { reduceMean, reduceSum, rnntLoss } from '@nemo/graph'
import { z } from 'zod'

/** Keys of an `RNNTLoss`, with NeMo's names and defaults. */
export const rnntLossConfigSchema = z.strictObject({
  /** Labels, without the blank, whose index this is. */
  num_classes: z.int().min(1),
  /** `mean_batch` and `mean`: mean of the utterances' losses; null: one loss per utterance. */
  reduction: z.enum(['mean_batch', 'mean', 'sum']).nullable().default('mean_batch'),
  /** Implementations that NeMo can choose from; all compute the same, and so does ours. */
  loss_name: z.enum(['default', 'warprnnt', 'warprnnt_numba']).default('default'),
  loss_kwargs: z.strictObject({}).nullable().default(null),
})

/** Keys of an `RNNTLoss`. */
export type RNNTLossConfig = z.input<typeof rnntLossConfigSchema>

/**
 * Transducer loss, with a log-softmax inside: log-probabilities and logits give the same.
 *
 * `mean` and `sum` are scalars here (`[1]` in NeMo). Source: NeMo v1.0.0 `RNNTLoss`; Graves 2012.
 */
export class RNNTLoss extends Loss {
  static readonly inputTypes = {
    logProbs: port('B T D D', LogprobsType),
    targets: port('B T', LabelsType),
    inputLengths: port('B', LengthsType),
    targetLengths: port('B', LengthsType),
  }
  static readonly outputTypes = { loss: port(null, LossType) }

  readonly blank: number
  readonly #reduction: z.output<typeof rnntLossConfigSchema>['reduction']

  /** @throws ConfigValidationError naming each wrong key, its value and what is allowed. */
  constructor(config: RNNTLossConfig) {
    super()
    const valid = validateConfig(rnntLossConfigSchema, config, { source: 'RNNTLoss' })
    this.blank = valid.num_classes
    this.#reduction = valid.reduction
  }

  /**
   * @param inputs.logProbs - `[B, T, U + 1, num_classes + 1]`
   * @param inputs.targets - int64 `[B, U]`, padded with anything.
   * @param inputs.inputLengths - int64 `[B]`, frames.
   * @param inputs.targetLengths - int64 `[B]`, labels.
   * @returns a scalar, or `[B]` without reduction.
   */
  @typecheck()
  forward({ logProbs, targets, inputLengths, targetLengths }: Inputs<typeof RNNTLoss>): Outputs<typeof RNNTLoss> {
    const losses = rnntLoss({ logits: logProbs, targets, inputLengths, targetLengths }, { blank: this.blank })
    if (this.#reduction === null) return { loss: losses }
    return { loss: this.#reduction === 'sum' ? reduceSum(losses) : reduceMean(losses) }
  }
}

registerTarget(
  ['nemo.collections.asr.losses.RNNTLoss', 'nemo.collections.asr.losses.rnnt.RNNTLoss'],
  (args) => new RNNTLoss(args as RNNTLossConfig),
)
