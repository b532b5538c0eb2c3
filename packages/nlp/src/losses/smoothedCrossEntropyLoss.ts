import {
  type Inputs,
  LabelsType,
  LogprobsType,
  Loss,
  LossType,
  MaskType,
  type Outputs,
  port,
  registerTarget,
  typecheck,
  validateConfig,
} from '@nemo/core'
import {
  add,
  cast,
  constant,
  dimTensor,
  div,
  equal,
  gatherElements,
  logicalNot,
  mul,
  narrow,
  neg,
  reduceMean,
  reduceSum,
  squeeze,
  sub,
  type Tensor,
  unsqueeze,
} from '@nemo/graph'
import { z } from 'zod'
import { NlpError } from '../errors.js'

/** Keys of a `SmoothedCrossEntropyLoss`, with NeMo's names and defaults. */
export const smoothedCrossEntropyLossConfigSchema = z.object({
  /** Positions with this label do not count, unless there is a mask. */
  pad_id: z.int().nullable().default(null),
  /** How much of the target goes to the other tokens. */
  label_smoothing: z.number().min(0).max(1).default(0),
  /** Only the last k positions count; 0 means all. */
  predict_last_k: z.int().min(0).default(0),
  /** Added to the number of positions, against division by 0. */
  eps: z.number().min(0).default(1e-6),
})

/** Keys of a `SmoothedCrossEntropyLoss`. */
export type SmoothedCrossEntropyLossConfig = z.input<typeof smoothedCrossEntropyLossConfigSchema>

/**
 * Cross entropy of sequences with smoothed labels, by the mean over positions:
 * -((1 - s) log p(label) + s mean log p), s = V label_smoothing / (V - 1).
 *
 * Source: NeMo v1.0.0 `SmoothedCrossEntropyLoss`; Szegedy et al. 2016.
 */
export class SmoothedCrossEntropyLoss extends Loss {
  static readonly inputTypes = {
    logProbs: port('B T D', LogprobsType),
    labels: port('B T', LabelsType),
    outputMask: port('B T', MaskType, { optional: true }),
  }
  static readonly outputTypes = { loss: port(null, LossType) }

  readonly #config: z.output<typeof smoothedCrossEntropyLossConfigSchema>

  /** @throws ConfigValidationError naming each wrong key, its value and what is allowed. */
  constructor(config: SmoothedCrossEntropyLossConfig = {}) {
    super()
    this.#config = validateConfig(smoothedCrossEntropyLossConfigSchema, config, { source: 'SmoothedCrossEntropyLoss' })
  }

  /**
   * @param inputs.logProbs - `[B, T, V]`
   * @param inputs.labels - int64 `[B, T]`
   * @param inputs.outputMask - `[B, T]`, weights of positions; without it those that are not `pad_id` count 1.
   * @returns a scalar.
   * @throws NlpError if there is neither a mask nor a `pad_id`.
   */
  @typecheck()
  forward({
    logProbs,
    labels,
    outputMask,
  }: Inputs<typeof SmoothedCrossEntropyLoss>): Outputs<typeof SmoothedCrossEntropyLoss> {
    const { eps, predict_last_k: last } = this.#config
    const mask = this.#mask(labels, outputMask, logProbs)
    const target = squeeze(gatherElements(logProbs, unsqueeze(labels, 2), 2), 2)
    const recent = (x: Tensor): Tensor => (last > 0 ? narrow(x, 1, -last) : x)
    const counted = recent(mask)
    const sum = reduceSum(mul(recent(this.#smooth(target, logProbs)), counted))
    return { loss: neg(div(sum, add(reduceSum(counted), constant(eps, logProbs.dtype)))) }
  }

  #mask(labels: Tensor, outputMask: Tensor | undefined, { dtype }: Tensor): Tensor {
    if (outputMask) return cast(outputMask, dtype)
    const { pad_id } = this.#config
    if (pad_id === null) {
      throw new NlpError(
        'NEMO_LOSS_MASK',
        'SmoothedCrossEntropyLoss: expected an outputMask or the config key pad_id, found neither. Give one, to tell which positions count.',
      )
    }
    return cast(logicalNot(equal(labels, constant(pad_id, 'int64'))), dtype)
  }

  #smooth(target: Tensor, logProbs: Tensor): Tensor {
    const { label_smoothing } = this.#config
    if (label_smoothing === 0) return target
    const { dtype } = logProbs
    const one = constant(1, dtype)
    const tokens = cast(dimTensor(logProbs.shape[2]!, [logProbs]), dtype)
    const smoothing = div(mul(tokens, constant(label_smoothing, dtype)), sub(tokens, one))
    return add(mul(sub(one, smoothing), target), mul(smoothing, reduceMean(logProbs, -1)))
  }
}

registerTarget(
  [
    'nemo.collections.common.losses.SmoothedCrossEntropyLoss',
    'nemo.collections.common.losses.smoothed_cross_entropy.SmoothedCrossEntropyLoss',
  ],
  (args) => new SmoothedCrossEntropyLoss(args as SmoothedCrossEntropyLossConfig),
)
