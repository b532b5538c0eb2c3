import { ConvWeightGradient } from '../../../ops/conv.js'
import { pad } from '../../../ops/pad.js'
import type { RewriteRule } from '../../../rewrite/rebuild.js'
import type { Tensor } from '../../../tensor.js'

/**
 * The weight's gradient of a convolution over no items at all, on which ONNX Runtime's Conv never ends (its kernel would
 * be empty): an item of zeros is added, which changes no sum.
 */
export const emptyBatch: RewriteRule = (node, inputs) => {
  if (node.op !== ConvWeightGradient) return undefined
  const [x, dy, w] = inputs as readonly [Tensor, Tensor, Tensor]
  return node.op.decompose!(node, [oneMoreItem(x), oneMoreItem(dy), w])
}

function oneMoreItem(x: Tensor): Tensor {
  const pads = x.shape.map((_, axis) => [0, axis === 0 ? 1 : 0] as const)
  return pad(x, pads)
}
