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
  add,
  cast,
  constant,
  dimTensor,
  div,
  equal,
  exp,
  greater,
  less,
  log,
  logicalAnd,
  logicalNot,
  matMul,
  mul,
  reduceMax,
  reduceMin,
  reduceSum,
  sub,
  swapAxes,
  type Tensor,
  unsqueeze,
  where,
  zerosLike,
} from '@nemo/graph'
import { z } from 'zod'

/** Keys of a `MultiSimilarityLoss`, with NeMo's names and defaults. */
export const multiSimilarityLossConfigSchema = z.object({
  scale_pos: z.number().positive().default(2),
  scale_neg: z.number().positive().default(40),
  offset: z.number().default(0.5),
  /** How far from the hardest pair of the other kind a pair may be and still count. */
  margin: z.number().default(0.1),
})

/** Keys of a `MultiSimilarityLoss`. */
export type MultiSimilarityLossConfig = z.input<typeof multiSimilarityLossConfigSchema>

/** Pairs at least this similar count as the same example. */
const IDENTICAL = 1 - 1e-5

/**
 * Pulls examples of one label together and pushes others apart, by the hard pairs of a batch. The rows of `logits`
 * should have length 1; they are not normalised here.
 *
 * Source: Wang et al. 2019; NeMo v1.0.0 `MultiSimilarityLoss`, which asks for CUDA where no pair is hard: here that gives 0.
 */
export class MultiSimilarityLoss extends Loss {
  static readonly inputTypes = { logits: port('B D', LogitsType), labels: port('B', LabelsType) }
  static readonly outputTypes = { loss: port(null, LossType) }

  readonly #config: z.output<typeof multiSimilarityLossConfigSchema>

  /** @throws ConfigValidationError naming each wrong key, its value and what is allowed. */
  constructor(config: MultiSimilarityLossConfig = {}) {
    super()
    this.#config = validateConfig(multiSimilarityLossConfigSchema, config, { source: 'MultiSimilarityLoss' })
  }

  /** Embeddings `[B, D]` and int64 labels `[B]` -> a scalar. */
  @typecheck()
  forward({ logits, labels }: Inputs<typeof MultiSimilarityLoss>): Outputs<typeof MultiSimilarityLoss> {
    const { scale_pos, scale_neg, margin } = this.#config
    const { dtype } = logits
    const number = (value: number): Tensor => constant(value, dtype)
    const similarity = matMul(logits, swapAxes(logits, 0, 1))
    const alike = equal(unsqueeze(labels, 0), unsqueeze(labels, 1))
    const positive = logicalAnd(alike, less(similarity, number(IDENTICAL)))
    const negative = logicalNot(alike)
    const least = reduceMin(where(positive, similarity, number(Number.POSITIVE_INFINITY)), 1, true)
    const most = reduceMax(where(negative, similarity, number(Number.NEGATIVE_INFINITY)), 1, true)
    const hardNegative = logicalAnd(negative, greater(similarity, sub(least, number(margin))))
    const hardPositive = logicalAnd(positive, less(similarity, add(most, number(margin))))
    const counts = mul(anyOfRow(hardNegative, dtype), anyOfRow(hardPositive, dtype))
    const terms = add(this.#term(similarity, hardPositive, -scale_pos), this.#term(similarity, hardNegative, scale_neg))
    return { loss: div(reduceSum(mul(terms, counts)), cast(dimTensor(logits.shape[0]!, [logits]), dtype)) }
  }

  /** log(1 + sum of exp(scale (similarity - offset))) / |scale| over the chosen pairs of each row. */
  #term(similarity: Tensor, chosen: Tensor, scale: number): Tensor {
    const { dtype } = similarity
    // Others are replaced before exp, which could overflow.
    const exponent = mul(sub(similarity, constant(this.#config.offset, dtype)), constant(scale, dtype))
    const powers = mul(exp(where(chosen, exponent, zerosLike(exponent))), cast(chosen, dtype))
    const sum = add(reduceSum(powers, 1), constant(1, dtype))
    return div(log(sum), constant(Math.abs(scale), dtype))
  }
}

const anyOfRow = (x: Tensor, dtype: Tensor['dtype']): Tensor => reduceMax(cast(x, dtype), 1)

registerTarget(
  [
    'nemo.collections.common.losses.MultiSimilarityLoss',
    'nemo.collections.common.losses.multi_similarity_loss.MultiSimilarityLoss',
  ],
  (args) => new MultiSimilarityLoss(args as MultiSimilarityLossConfig),
)
