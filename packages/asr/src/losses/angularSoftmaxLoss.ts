import {
  type Inputs,
  LabelsType,
  LogitsType,
  Loss,
  LossType,
  type Outputs,
  port,
  registerTarget,
  typecheck,
  validateConfig,
} from '@nemo/core'
import {
  acos,
  add,
  clip,
  cos,
  dimTensor,
  equal,
  gatherElements,
  mul,
  neg,
  range,
  reduceLogSumExp,
  reduceMean,
  squeeze,
  sub,
  unsqueeze,
  where,
} from '@nemo/graph'
import { z } from 'zod'

/** Keys of an `AngularSoftmaxLoss`, with NeMo's names and defaults. */
export const angularSoftmaxLossConfigSchema = z.strictObject({
  /** Factor on cosines. */
  scale: z.number().positive().default(20),
  /** Angle that the right speaker is held away, in radians. */
  margin: z.number().min(0).default(1.35),
})

/** Keys of an `AngularSoftmaxLoss`. */
export type AngularSoftmaxLossConfig = z.input<typeof angularSoftmaxLossConfigSchema>

// Keeps arcs of cosines, and their derivatives, finite.
const EDGE = 1e-7

/**
 * Cross entropy of cosines with an angular margin on the right class.
 *
 * Source: NeMo v1.0.0 `AngularSoftmaxLoss`; Deng et al. 2019 (ArcFace).
 */
export class AngularSoftmaxLoss extends Loss {
  static readonly inputTypes = { logits: port('B D', LogitsType), labels: port('B', LabelsType) }
  static readonly outputTypes = { loss: port(null, LossType) }

  readonly #config: z.output<typeof angularSoftmaxLossConfigSchema>

  /** @throws ConfigValidationError naming each wrong key, its value and what is allowed. */
  constructor(config: AngularSoftmaxLossConfig = {}) {
    super()
    this.#config = validateConfig(angularSoftmaxLossConfigSchema, config, { source: 'AngularSoftmaxLoss' })
  }

  /**
   * @param inputs.logits - Cosines `[B, C]`.
   * @param inputs.labels - int64 `[B]`
   * @returns a scalar.
   */
  @typecheck()
  forward({ logits, labels }: Inputs<typeof AngularSoftmaxLoss>): Outputs<typeof AngularSoftmaxLoss> {
    const { scale, margin } = this.#config
    const right = gatherElements(logits, unsqueeze(labels, 1), 1)
    const angle = acos(clip(right, -1 + EDGE, 1 - EDGE))
    const held = mul(cos(add(angle, margin)), scale)
    const isRight = equal(unsqueeze(range(dimTensor(logits.shape[1]!, [logits])), 0), unsqueeze(labels, 1))
    const scores = where(isRight, held, mul(logits, scale))
    return { loss: neg(reduceMean(sub(squeeze(held, 1), reduceLogSumExp(scores, 1)))) } as Outputs<
      typeof AngularSoftmaxLoss
    >
  }
}

registerTarget(
  ['nemo.collections.asr.losses.AngularSoftmaxLoss', 'nemo.collections.asr.losses.angularloss.AngularSoftmaxLoss'],
  (args) => new AngularSoftmaxLoss(args as AngularSoftmaxLossConfig),
)
