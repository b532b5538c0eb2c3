import { logSoftmax } from '@nemo/graph'
import { z } from 'zod'
import { ConfigValidationError } from '../config/errors.js'
import { registerTarget } from '../config/targetRegistry.js'
import { validateConfig } from '../config/validateConfig.js'
import { LabelsType, LogitsType, LossType, MaskType } from '../neuralTypes/elementTypes.js'
import { port } from '../neuralTypes/neuralType.js'
import type { Inputs, Outputs } from '../neuralTypes/ports.js'
import { typecheck } from '../neuralTypes/typecheck.js'
import { Loss } from './loss.js'
import { maskedNegativeLogLikelihood } from './maskedNegativeLogLikelihood.js'

/** Keys of a `CrossEntropyLoss`, with NeMo's names and defaults. */
export const crossEntropyLossConfigSchema = z.object({
  /** Axes of the logits, batch and classes included. */
  logits_ndim: z.int().min(2).default(2),
  /** Weight of each class; the mean divides by the weights of the labels. */
  weight: z.array(z.number()).readonly().nullable().default(null),
  /** `none` leaves one loss for each position, 0 at those that do not count. */
  reduction: z.enum(['mean', 'sum', 'none']).default('mean'),
  /** Positions with this label do not count. */
  ignore_index: z.int().default(-100),
})

/** Keys of a `CrossEntropyLoss`. */
export type CrossEntropyLossConfig = z.input<typeof crossEntropyLossConfigSchema>

/**
 * Cross entropy of logits and labels, of the positions that the mask keeps (bool, or above 0.5).
 *
 * If the mask keeps nothing, the result is the loss against the most probable classes: small, and a number.
 * Source: NeMo v1.0.0 `CrossEntropyLoss`. Different: `none` keeps the shape of the labels instead of dropping positions.
 */
export class CrossEntropyLoss extends Loss {
  static readonly inputTypes = {
    logits: port(null, LogitsType),
    labels: port(null, LabelsType),
    lossMask: port(null, MaskType, { optional: true }),
  }
  static readonly outputTypes = { loss: port(null, LossType) }

  /** The ports, with as many axes as the config says. */
  readonly inputTypes
  readonly #config: z.output<typeof crossEntropyLossConfigSchema>

  /** @throws ConfigValidationError naming each wrong key, its value and what is allowed. */
  constructor(config: CrossEntropyLossConfig = {}) {
    super()
    this.#config = validateConfig(crossEntropyLossConfigSchema, config, { source: 'CrossEntropyLoss' })
    const axes = ['B', ...new Array<string>(this.#config.logits_ndim - 2).fill('Any')]
    this.inputTypes = {
      logits: port([...axes, 'Any'], LogitsType),
      labels: port(axes, LabelsType),
      lossMask: port(axes, MaskType, { optional: true }),
    }
  }

  /**
   * @param inputs.logits - `[B, ..., C]`
   * @param inputs.labels - int64 `[B, ...]`
   * @param inputs.lossMask - `[B, ...]`; all count without it.
   * @returns a scalar, or `[B, ...]` without reduction.
   */
  @typecheck()
  forward({ logits, labels, lossMask }: Inputs<typeof CrossEntropyLoss>): Outputs<typeof CrossEntropyLoss> {
    const { weight, reduction, ignore_index: ignoreIndex } = this.#config
    const classes = logits.shape.at(-1)
    if (weight && typeof classes === 'number' && classes !== weight.length) {
      const message = `expected a weight for each of ${classes} classes, found ${weight.length}`
      throw new ConfigValidationError([{ keyPath: 'weight', message }], 'CrossEntropyLoss')
    }
    const logProbs = logSoftmax(logits, -1)
    return {
      loss: maskedNegativeLogLikelihood({ logProbs, labels, mask: lossMask }, { weight, reduction, ignoreIndex }),
    }
  }
}

registerTarget(
  ['nemo.collections.common.losses.CrossEntropyLoss', 'nemo.collections.common.losses.cross_entropy.CrossEntropyLoss'],
  (args) => new CrossEntropyLoss(args as CrossEntropyLossConfig),
)
