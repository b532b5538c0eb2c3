import {
  argMax,
  cast,
  constant,
  div,
  equal,
  gather,
  gatherElements,
  greater,
  logicalAnd,
  logicalNot,
  logicalOr,
  mul,
  neg,
  onesLike,
  reduceMax,
  reduceSum,
  squeeze,
  type Tensor,
  unsqueeze,
  where,
  zerosLike,
} from '@nemo/graph'

/** How the losses of positions become one: none of it leaves them, with 0 at positions that do not count. */
export type PositionReduction = 'mean' | 'sum' | 'none'

/** Inputs of {@link maskedNegativeLogLikelihood}. */
export interface NegativeLogLikelihoodInputs {
  /** `[..., C]` */
  readonly logProbs: Tensor
  /** int64 `[...]` */
  readonly labels: Tensor
  /** `[...]`; positions of at most 0.5 do not count. */
  readonly mask?: Tensor | undefined
}

/** Options of {@link maskedNegativeLogLikelihood}. */
export interface NegativeLogLikelihoodOptions {
  /** Weight of each class; the mean divides by the weights of the labels. Default 1 each. */
  readonly weight?: readonly number[] | null
  readonly reduction: PositionReduction
  /** Positions with this label do not count. */
  readonly ignoreIndex: number
}

/**
 * Minus the log-probability of each position's label.
 *
 * If the mask leaves nothing, each position's label is its most probable class instead, so that the loss is a number.
 * If nothing but `ignoreIndex` is left, the mean is NaN, as in PyTorch.
 */
export function maskedNegativeLogLikelihood(
  { logProbs, labels, mask }: NegativeLogLikelihoodInputs,
  { weight, reduction, ignoreIndex }: NegativeLogLikelihoodOptions,
): Tensor {
  const wanted = cast(labels, 'int64')
  let target = wanted
  let counts = logicalNot(equal(wanted, constant(ignoreIndex, 'int64')))
  if (mask) {
    const kept = mask.dtype === 'bool' ? mask : greater(cast(mask, 'float32'), constant(0.5))
    const nothingKept = logicalNot(cast(reduceMax(cast(kept, 'int32')), 'bool'))
    const best = argMax(logProbs, -1)
    target = where(nothingKept, best, wanted)
    const bestCounts = logicalNot(equal(best, constant(ignoreIndex, 'int64')))
    counts = logicalOr(logicalAnd(kept, counts), logicalAnd(nothingKept, bestCounts))
  }
  // Labels that do not count may be out of range.
  const index = where(counts, target, zerosLike(target))
  const picked = squeeze(gatherElements(logProbs, unsqueeze(index, -1), -1), -1)
  const ones = onesLike(picked)
  const perClass = weight ? gather(constant([...weight], logProbs.dtype), index) : ones
  const weights = where(counts, perClass, zerosLike(picked))
  const losses = neg(mul(picked, weights))
  switch (reduction) {
    case 'none':
      return losses
    case 'sum':
      return reduceSum(losses)
    case 'mean':
      return div(reduceSum(losses), reduceSum(weights))
  }
}
