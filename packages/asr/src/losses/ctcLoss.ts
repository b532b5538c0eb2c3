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
import { cast, constant, ctcLoss, div, maximum, reduceMean, reduceSum, type Tensor } from '@nemo/graph'
import { z } from 'zod'

/** Keys of a `CTCLoss`, with NeMo's names and defaults. */
export const ctcLossConfigSchema = z.object({
  /** Labels, without the blank, whose index this is. */
  num_classes: z.int().min(1),
  /** Utterances that no alignment fits count 0 instead of infinity. */
  zero_infinity: z.boolean().default(false),
  /**
   * `mean_batch`: mean of the utterances' losses. `mean`: each is divided by its number of labels (at least 1) first.
   * `sum`, `none`.
   */
  reduction: z.enum(['mean_batch', 'mean', 'sum', 'none']).default('mean_batch'),
})

/** Keys of a `CTCLoss`. */
export type CTCLossConfig = z.input<typeof ctcLossConfigSchema>

/**
 * Connectionist temporal classification loss.
 *
 * Its gradient with respect to `logProbs` is PyTorch's, exp(logProbs) - posterior: right for logits behind a log-softmax.
 * Source: NeMo v1.0.0 `CTCLoss`; Graves et al. 2006.
 */
export class CTCLoss extends Loss {
  static readonly inputTypes = {
    logProbs: port('B T D', LogprobsType),
    targets: port('B T', LabelsType),
    inputLengths: port('B', LengthsType),
    targetLengths: port('B', LengthsType),
  }
  static readonly outputTypes = { loss: port(null, LossType) }

  readonly blank: number
  readonly #config: z.output<typeof ctcLossConfigSchema>

  /** @throws ConfigValidationError naming each wrong key, its value and what is allowed. */
  constructor(config: CTCLossConfig) {
    super()
    this.#config = validateConfig(ctcLossConfigSchema, config, { source: 'CTCLoss' })
    this.blank = this.#config.num_classes
  }

  /**
   * @param inputs.logProbs - `[B, T, num_classes + 1]`
   * @param inputs.targets - int64 `[B, U]`, padded with anything.
   * @returns a scalar, or `[B]` without reduction.
   */
  @typecheck()
  forward({ logProbs, targets, inputLengths, targetLengths }: Inputs<typeof CTCLoss>): Outputs<typeof CTCLoss> {
    const losses = ctcLoss(
      { logProbs, targets, inputLengths, targetLengths },
      { blank: this.blank, zeroInfinity: this.#config.zero_infinity },
    )
    return { loss: this.#reduce(losses, targetLengths) }
  }

  #reduce(losses: Tensor, targetLengths: Tensor): Tensor {
    switch (this.#config.reduction) {
      case 'none':
        return losses
      case 'sum':
        return reduceSum(losses)
      case 'mean_batch':
        return reduceMean(losses)
      case 'mean':
        return reduceMean(div(losses, cast(maximum(targetLengths, constant(1, 'int64')), losses.dtype)))
    }
  }
}

registerTarget(
  ['nemo.collections.asr.losses.CTCLoss', 'nemo.collections.asr.losses.ctc.CTCLoss'],
  (args) => new CTCLoss(args as CTCLossConfig),
)
