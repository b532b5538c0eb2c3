import { productOfDims } from '../../../dim.js'
import { apply1 } from '../../../op.js'
import { add } from '../../../ops/arithmetic.js'
import { Conv, ConvInputGradient, ConvWeightGradient, geometryOf } from '../../../ops/conv.js'
import { matMul } from '../../../ops/matMul.js'
import { reshapeTo } from '../../../ops/reshape.js'
import { transpose } from '../../../ops/transpose.js'
import type { RewriteRule } from '../../../rewrite/rebuild.js'
import type { Node, Tensor } from '../../../tensor.js'
import { FusedMatMul } from '../contribOps.js'
import { sumLeading } from './leadingSum.js'

/**
 * A convolution with windows of one sample mixes channels only: it and its gradients are matrix products, without
 * im2col and without swapping batch and channels.
 */
export const pointwiseConv: RewriteRule = (node, inputs) => {
  if (node.op === Conv) {
    const [x, w, bias] = inputs as readonly [Tensor, Tensor, Tensor | undefined]
    if (!isPointwise(node, w)) return undefined
    const y = matMul(matrix(w), columns(x))
    const shaped = reshapeTo(y, [x.shape[0]!, w.shape[0]!, ...x.shape.slice(2)], [x])
    const ones = new Array<number>(x.rank - 2).fill(1)
    return [bias ? add(shaped, reshapeTo(bias, [w.shape[0]!, ...ones], [w])) : shaped]
  }
  if (node.op === ConvInputGradient) {
    const [dy, w, x] = inputs as readonly [Tensor, Tensor, Tensor]
    if (!isPointwise(node, w)) return undefined
    // Making the weight's transpose costs less than reading it across in every item's product.
    return [reshapeTo(matMul(transpose(matrix(w), [1, 0]), columns(dy)), x.shape, [x])]
  }
  if (node.op === ConvWeightGradient) {
    const [x, dy, w] = inputs as readonly [Tensor, Tensor, Tensor]
    if (!isPointwise(node, w)) return undefined
    const perItem = apply1(FusedMatMul, [columns(dy), columns(x)], { transB: 1 })
    return [sumLeading(perItem, 1, w.shape)]
  }
  return undefined
}

function isPointwise(node: Node, w: Tensor): boolean {
  const { group, strides, pads } = geometryOf(node.attributes, w.rank - 2)
  return (
    w.dtype === 'float32' &&
    group === 1 &&
    w.shape.slice(2).every((size) => size === 1) &&
    strides.every((stride) => stride === 1) &&
    pads.every((pad) => pad === 0)
  )
}

// [O, I, 1, ...] -> [O, I]
const matrix = (w: Tensor): Tensor => reshapeTo(w, w.shape.slice(0, 2), [w])
// [B, C, ...L] -> [B, C, product of L]
const columns = (x: Tensor): Tensor => reshapeTo(x, [x.shape[0]!, x.shape[1]!, productOfDims(x.shape.slice(2))], [x])
