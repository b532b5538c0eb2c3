import type { OpKernel } from '../opKernel.js'
import type { OpContext } from '../planner.js'
import { map, reshaped, type Value } from '../value.js'
import { type Convolution, directForward, directInputGradient, directWeightGradient } from './convDirect.js'
import { productForward, productInputGradient, productWeightGradient } from './convProduct.js'
import { depthwiseForward, depthwiseInputGradient, depthwiseWeightGradient, fitsDepthwise } from './depthwise.js'
import { type Planar, planarOf } from './planar.js'

type Way = (convolution: Convolution, first: Value, second: Value) => void

// Dense convolutions are matrix products, depthwise ones over one axis work on tiles of a channel, others element by element.
function choose(planar: Planar, product: Way, depthwise: Way, direct: Way): Way {
  if (planar.group === 1) return product
  return fitsDepthwise(planar) ? depthwise : direct
}

// y = x * w, no bias.
function convolve(op: OpContext, x: Value, w: Value): Value {
  const planar = planarOf(op, x.shape, w.shape, op.outputShape())
  const target = op.allocateOutput()
  choose(planar, productForward, depthwiseForward, directForward)({ op, planar, target }, x, w)
  return target
}

// dx from dy and w, also the transposed convolution.
function convolveBack(op: OpContext, dy: Value, w: Value): Value {
  const planar = planarOf(op, op.outputShape(), w.shape, dy.shape)
  const target = op.allocateOutput()
  choose(planar, productInputGradient, depthwiseInputGradient, directInputGradient)({ op, planar, target }, dy, w)
  return target
}

function withBias(op: OpContext, y: Value): Value {
  if (!op.has(2)) return y
  const bias =
    reshaped(op.value(2), [1, y.shape[1]!, ...y.shape.slice(2).map(() => 1)]) ??
    reshaped(op.dense(2), [1, y.shape[1]!, ...y.shape.slice(2).map(() => 1)])!
  return map(y.dtype, y.shape, [y, bias], ([a, b]) => `${a} + ${b}`)
}

/** Convolution over one or two axes, with groups, strides, dilations, pads and an optional bias. */
export const Conv: OpKernel = (op) => [withBias(op, convolve(op, op.value(0), op.value(1)))]

/** Gradient of Conv with respect to its data: inputs dy, weight and x. */
export const ConvInputGradient: OpKernel = (op) => [convolveBack(op, op.value(0), op.value(1))]

/** Gradient of Conv with respect to its weight: inputs x, dy and weight. */
export const ConvWeightGradient: OpKernel = (op) => {
  const [x, dy] = [op.value(0), op.value(1)]
  const planar = planarOf(op, x.shape, op.outputShape(), dy.shape)
  const target = op.allocateOutput()
  choose(planar, productWeightGradient, depthwiseWeightGradient, directWeightGradient)({ op, planar, target }, x, dy)
  return [target]
}

/** Transposed convolution: the adjoint of Conv, with an optional bias. */
export const ConvTranspose: OpKernel = (op) => [withBias(op, convolveBack(op, op.value(0), op.value(1)))]
