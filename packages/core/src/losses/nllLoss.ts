import { z } from 'zod'
import { registerTarget } from '../config/targetRegistry.js'
import { validateConfig } from '../config/validateConfig.js'
import { LabelsType, LogprobsType, LossType, MaskType } from '../neuralTypes/elementTypes.js'
import { port } from '../neuralTypes/neuralType.js'
import type { Inputs, Outputs } from '../neuralTypes/ports.js'
import { typecheck } from '../neuralTypes/typecheck.js'
import { Loss } from './loss.js'
import { maskedNegativeLogLikelihood } from './maskedNegativeLogLikelihood.js'

/** Keys of an `NLLLoss`, with NeMo's names and defaults. */
export const nllLossConfigSchema = z.object({
  /** Axes of the log-probabilities, batch and classes included. */
  log_probs_ndim: z.int().min(2).default(2),
})

/** Keys of an `NLLLoss`. */
export type NLLLossConfig = z.input<typeof nllLossConfigSchema>

/**
 * Mean of minus the log-probabilities of labels, over the positions that the mask keeps (bool, or above 0.5).
 *
 * If the mask keeps nothing, the result is the loss against the most probable classes.
 * Source: NeMo v1.0.0 `NLLLoss`, whose checks refuse its own mask, a bug.
 */
export class NLLLoss extends Loss {
  static readonly inputTypes = {
    logProbs: port(null, LogprobsType),
    labels: port(null, LabelsType),
    lossMask: port(null, MaskType, { optional: true }),
  }
  static readonly outputTypes = { loss: port(null, LossType) }

  /** The ports, with as many axes as the config says. */
  readonly inputTypes

  /** @throws ConfigValidationError naming each wrong key, its value and what is allowed. */
  constructor(config: NLLLossConfig = {}) {
    super()
    const { log_probs_ndim } = validateConfig(nllLossConfigSchema, config, { source: 'NLLLoss' })
    const axes = ['B', ...new Array<string>(log_probs_ndim - 2).fill('Any')]
    this.inputTypes = {
      logProbs: port([...axes, 'Any'], LogprobsType),
      labels: port(axes, LabelsType),
      lossMask: port(axes, MaskType, { optional: true }),
    }
  }

  /**
   * @param inputs.logProbs - `[B, ..., C]`
   * @param inputs.labels - int64 `[B, ...]`
   * @param inputs.lossMask - `[B, ...]`; all count without it.
   * @returns a scalar.
   */
  @typecheck()
  forward({ logProbs, labels, lossMask }: Inputs<typeof NLLLoss>): Outputs<typeof NLLLoss> {
    const options = { reduction: 'mean', ignoreIndex: -100 } as const
    return { loss: maskedNegativeLogLikelihood({ logProbs, labels, mask: lossMask }, options) }
  }
}

registerTarget(
  ['nemo.collections.common.losses.NLLLoss', 'nemo.collections.common.losses.cross_entropy.NLLLoss'],
  (args) => new NLLLoss(args as NLLLossConfig),
)
