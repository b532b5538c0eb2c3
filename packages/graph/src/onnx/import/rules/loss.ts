import { div, mul, neg } from '../../../ops/arithmetic.js'
import { cast } from '../../../ops/cast.js'
import { equal, logicalNot } from '../../../ops/comparison.js'
import { gather, gatherElements } from '../../../ops/gather.js'
import { constant } from '../../../ops/leaves.js'
import { reduceMean, reduceSum } from '../../../ops/reduction.js'
import { squeeze, unsqueeze } from '../../../ops/reshape.js'
import { logSoftmax } from '../../../ops/softmax.js'
import { where } from '../../../ops/where.js'
import type { Tensor } from '../../../tensor.js'
import type { ImportedNode } from '../importedNode.js'
import { type RuleTable, rule } from '../importRule.js'

/** -log p of each label `[B, ...L]`, from log-probabilities `[B, C, ...L]`; weighted, reduced, some labels left out. */
function negativeLogLikelihood(node: ImportedNode, logProbs: Tensor): Tensor {
  const labels = node.input(1)
  const weights = node.optional(2)
  const reduction = node.choice('reduction', ['mean', 'sum', 'none'], 'mean')
  const ignored = node.int('ignore_index')
  if (logProbs.rank !== labels.rank + 1) return node.fail(`labels ${labels} do not fit scores ${logProbs}.`)
  const indices = cast(labels, 'int64')
  const counted = ignored === undefined ? undefined : logicalNot(equal(indices, constant(ignored, 'int64')))
  // An ignored label may be no class at all.
  const safe = counted ? where(counted, indices, constant(0, 'int64')) : indices
  const losses = neg(squeeze(gatherElements(logProbs, unsqueeze(safe, 1), 1), 1))
  const given = weights ? gather(weights, safe) : undefined
  const weight = counted ? where(counted, given ?? constant(1, logProbs.dtype), constant(0, logProbs.dtype)) : given
  const weighted = weight ? mul(losses, weight) : losses
  if (reduction === 'none') return weighted
  if (reduction === 'sum') return reduceSum(weighted)
  return weight ? div(reduceSum(weighted), reduceSum(weight)) : reduceMean(weighted)
}

/** Losses against class labels. */
export const lossRules: RuleTable = {
  NegativeLogLikelihoodLoss: rule(12, [2, 3], (node) => negativeLogLikelihood(node, node.input(0))),
  SoftmaxCrossEntropyLoss: rule(12, [2, 3], (node) => {
    const logProbs = logSoftmax(node.input(0), 1)
    return [negativeLogLikelihood(node, logProbs), logProbs]
  }),
}
