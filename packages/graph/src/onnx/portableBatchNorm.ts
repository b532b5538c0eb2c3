import { add, div, mul, sub } from '../ops/arithmetic.js'
import { BatchNormalization, moments } from '../ops/batchNormalization.js'
import { sqrt } from '../ops/exponential.js'
import { reshapeTo } from '../ops/reshape.js'
import type { RewriteRule } from '../rewrite/rebuild.js'
import type { Tensor } from '../tensor.js'

/**
 * Says batch normalisation in training mode by means and products. Few runtimes have that mode, and ONNX Runtime writes
 * the new statistics over the tensors that hold the old ones, initializers included.
 */
export const portableBatchNorm: RewriteRule = (node, inputs) => {
  if (node.op !== BatchNormalization || node.attributes.training_mode !== 1) return undefined
  const [x, scale, bias, runningMean, runningVariance] = inputs as readonly [Tensor, Tensor, Tensor, Tensor, Tensor]
  const { epsilon, momentum } = node.attributes as { epsilon: number; momentum: number }
  const axes = x.shape.flatMap((_, axis) => (axis === 1 ? [] : [axis]))
  const perChannel = (t: Tensor) => reshapeTo(t, [x.shape[1]!, ...new Array<number>(x.rank - 2).fill(1)], [x])
  const { mean, variance } = moments(x, axes)
  const normal = div(sub(x, mean), sqrt(add(variance, epsilon)))
  const blend = (running: Tensor, batch: Tensor) => {
    const flat = reshapeTo(batch, [x.shape[1]!], [x])
    return momentum === 0 ? flat : add(mul(running, momentum), mul(flat, 1 - momentum))
  }
  return [
    add(mul(normal, perChannel(scale)), perChannel(bias)),
    blend(runningMean, mean),
    blend(runningVariance, variance),
  ]
}
