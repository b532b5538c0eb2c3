import { applyOp, type OpDefinition } from '../../../op.js'
import { add, mul } from '../../../ops/arithmetic.js'
import { BatchNormalization } from '../../../ops/batchNormalization.js'
import { Input } from '../../../ops/leaves.js'
import { reduceMax } from '../../../ops/reduction.js'
import { ParameterLeaf } from '../../../parameter.js'
import type { RewriteRule } from '../../../rewrite/rebuild.js'
import type { Tensor } from '../../../tensor.js'
import { topologicalOrder } from '../../../traverse.js'

/** BatchNormalization as this rule leaves it; the same op, but no node that the rule would take up again. */
const OwnStatistics: OpDefinition = { ...BatchNormalization }

/**
 * ONNX Runtime's BatchNormalization in training mode writes the new statistics over the tensors that hold the old ones,
 * be they parameters, feeds, constants or values that other nodes still read. So each node gets two small tensors to
 * overwrite, computed anew by every run and merged with no others: a vector of the channels, times factors that are
 * different every time. With momentum 0 their values do not matter (as long as they are finite); the running averages
 * are formed outside.
 *
 * @param frozen - Whether parameters are constants.
 */
export function batchNormTraining(frozen: boolean): RewriteRule {
  let nodes = 0
  return (node, inputs) => {
    if (node.op !== BatchNormalization || node.attributes.training_mode !== 1) return undefined
    const [x, scale, bias, mean, variance] = inputs as readonly [Tensor, Tensor, Tensor, Tensor, Tensor]
    const { epsilon, momentum } = node.attributes as { epsilon: number; momentum: number }
    const channels = [bias, scale].find((t) => varies(t, frozen)) ?? largest(x)
    const scratch = () => mul(channels, 1 + ++nodes / 2 ** 20)
    const [y, batchMean, batchVariance] = applyOp(
      OwnStatistics,
      [x, scale, bias, scratch(), scratch()],
      { epsilon, momentum: 0, training_mode: 1 },
      3,
    )
    const running = (old: Tensor, batch: Tensor) =>
      momentum === 0 ? batch : add(mul(old, momentum), mul(batch, 1 - momentum))
    return [y!, running(mean, batchMean!), running(variance, batchVariance!)]
  }
}

// Whether ONNX Runtime must compute t in each run, as it cannot be folded.
const varies = (t: Tensor, frozen: boolean): boolean =>
  topologicalOrder([t]).some(({ op }) => op === Input || (op === ParameterLeaf && !frozen))

// [B, C, ...] -> [C]
const largest = (x: Tensor): Tensor =>
  reduceMax(
    x,
    x.shape.flatMap((_, axis) => (axis === 1 ? [] : [axis])),
  )
