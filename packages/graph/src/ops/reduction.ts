import type { Dim } from '../dim.js'
import { multiplyDims, productOfDims } from '../dim.js'
import {
  apply1,
  defineOp,
  type GradientContext,
  type InferContext,
  normalizeAxis,
  type OpDefinition,
  stopsGradient,
} from '../op.js'
import type { OutputSpec, Tensor } from '../tensor.js'
import { div, mul, sub } from './arithmetic.js'
import { cast } from './cast.js'
import { equal, logicalAnd } from './comparison.js'
import { expandLike } from './expand.js'
import { exp } from './exponential.js'
import { constant } from './leaves.js'
import { unsqueeze } from './reshape.js'
import { sign } from './rounding.js'
import { dimTensor, shapeOf } from './shape.js'
import { where } from './where.js'

const reductionAttributes = {
  keepdims: { kind: 'int', default: 1 },
  noop_with_empty_axes: { kind: 'int', default: 0 },
} as const

function reducedAxes(context: InferContext | GradientContext, fail: (problem: string) => never): number[] {
  const x = context.inputs[0]!
  const axes = context.inputs[1]
  if (!axes) {
    const attributes = 'node' in context ? context.node.attributes : context.attributes
    return attributes.noop_with_empty_axes ? [] : x.shape.map((_, i) => i)
  }
  if (!axes.known) fail('the axes must be constant.')
  const known = axes.known as readonly number[]
  return known.map((axis) => (axis < 0 ? axis + x.rank : axis)).sort((a, b) => a - b)
}

function inferReduction(context: InferContext): readonly OutputSpec[] {
  const x = context.input(0)
  const axes = reducedAxes(context, context.fail)
  for (const axis of axes) normalizeAxis(axis, x.rank, context)
  const keep = context.attributes.keepdims !== 0
  const shape: Dim[] = []
  x.shape.forEach((dim, axis) => {
    if (!axes.includes(axis)) shape.push(dim)
    else if (keep) shape.push(1)
  })
  return [{ dtype: x.dtype, shape, known: knownProduct(context, axes) }]
}

// The number of elements of a tensor is ReduceProd over its shape.
function knownProduct(context: InferContext, axes: readonly number[]): readonly Dim[] | undefined {
  const known = context.inputs[0]?.known
  return context.op.type === 'ReduceProd' && known && axes.length === 1 ? [productOfDims(known)] : undefined
}

// Gives a reduced tensor its reduced axes back as size 1, so that it broadcasts against x.
function keepDims(reduced: Tensor, context: GradientContext): Tensor {
  const axes = reducedAxes(context, () => {
    throw new TypeError('unreachable: axes were checked by the shape rule')
  })
  return context.node.attributes.keepdims !== 0 || axes.length === 0 ? reduced : unsqueeze(reduced, axes)
}

function reduction(type: string, since: number, grad: (context: GradientContext, dy: Tensor) => Tensor): OpDefinition {
  return defineOp({
    type,
    since,
    attributes: reductionAttributes,
    infer: inferReduction,
    grad: (context) => [grad(context, keepDims(context.dy, context)), null],
  })
}

// Ties share the gradient equally (PyTorch's amax and amin).
const gradExtremum = (context: GradientContext, dy: Tensor): Tensor => {
  const hits = cast(equal(context.x, keepDims(context.y, context)), dy.dtype)
  const axes = context.inputs[1]
  const count = apply1(ReduceSum, [hits, axes ?? null], {
    keepdims: 1,
    noop_with_empty_axes: context.node.attributes.noop_with_empty_axes,
  })
  return mul(hits, div(dy, count))
}

/** Sum over axes. ONNX ReduceSum-13. */
export const ReduceSum: OpDefinition = reduction('ReduceSum', 13, ({ x }, dy) => expandLike(dy, x))

/** Mean over axes. ONNX ReduceMean-18. */
export const ReduceMean: OpDefinition = reduction('ReduceMean', 18, (context, dy) => {
  const { x } = context
  const axes = reducedAxes(context, () => {
    throw new TypeError('unreachable: axes were checked by the shape rule')
  })
  const count = axes.reduce<Dim>((product, axis) => multiplyDims(product, x.shape[axis]!), 1)
  const scaled = typeof count === 'number' ? div(dy, count) : div(dy, cast(dimTensor(count, [x]), dy.dtype))
  return expandLike(scaled, x)
})

/** Largest element over axes. ONNX ReduceMax-20. */
export const ReduceMax: OpDefinition = reduction('ReduceMax', 20, gradExtremum)
/** Smallest element over axes. ONNX ReduceMin-20. */
export const ReduceMin: OpDefinition = reduction('ReduceMin', 20, gradExtremum)

/**
 * Product over axes. The gradient is exact with zeros too: the product of the other elements. (Its own gradient takes the
 * places of zeros as fixed.) ONNX ReduceProd-18.
 */
export const ReduceProd: OpDefinition = reduction('ReduceProd', 18, (context, dy) => {
  const { x } = context
  const axes = context.inputs[1] ?? null
  const over = (op: OpDefinition, t: Tensor) =>
    apply1(op, [t, axes], { keepdims: 1, noop_with_empty_axes: context.node.attributes.noop_with_empty_axes })
  const isZero = equal(x, 0)
  const zeros = over(ReduceSum, cast(isZero, dy.dtype))
  const nonzero = where(isZero, 1, x)
  const product = over(ReduceProd, nonzero)
  const atZero = logicalAnd(isZero, equal(zeros, 1))
  return mul(dy, where(equal(zeros, 0), div(product, nonzero), where(atZero, product, 0)))
})

/** Sum of squares over axes. ONNX ReduceSumSquare-18. */
export const ReduceSumSquare: OpDefinition = reduction('ReduceSumSquare', 18, ({ x }, dy) => mul(mul(x, 2), dy))

/** Sum of absolute values over axes. ONNX ReduceL1-18. */
export const ReduceL1: OpDefinition = reduction('ReduceL1', 18, ({ x }, dy) => mul(sign(x), dy))

/** Euclidean norm over axes; the gradient at the origin is 0, as PyTorch's. ONNX ReduceL2-18. */
export const ReduceL2: OpDefinition = reduction('ReduceL2', 18, (context, dy) => {
  const norm = keepDims(context.y, context)
  return mul(context.x, div(dy, where(equal(norm, 0), 1, norm)))
})

/** ln of the sum over axes. ONNX ReduceLogSum-18. */
export const ReduceLogSum: OpDefinition = reduction('ReduceLogSum', 18, (context, dy) =>
  expandLike(div(dy, exp(keepDims(context.y, context))), context.x),
)

/** ln of the sum of exponentials over axes, without overflow. ONNX ReduceLogSumExp-18. */
export const ReduceLogSumExp: OpDefinition = reduction('ReduceLogSumExp', 18, (context, dy) =>
  mul(dy, exp(sub(context.x, keepDims(context.y, context)))),
)

function arg(type: string): OpDefinition {
  return defineOp({
    type,
    since: 13,
    attributes: {
      axis: { kind: 'int', default: 0 },
      keepdims: { kind: 'int', default: 1 },
      select_last_index: { kind: 'int', default: 0 },
    },
    infer: (context) => {
      const x = context.input(0)
      const axis = normalizeAxis(context.attributes.axis as number, x.rank, context)
      const keep = context.attributes.keepdims !== 0
      const shape = x.shape.flatMap((dim, i) => (i !== axis ? [dim] : keep ? [1] : []))
      return [{ dtype: 'int64', shape }]
    },
    grad: stopsGradient('the output is an index'),
  })
}

/** Index of the largest element along an axis, the first of equals. ONNX ArgMax-13. */
export const ArgMax = arg('ArgMax')
/** Index of the smallest element along an axis, the first of equals. ONNX ArgMin-13. */
export const ArgMin = arg('ArgMin')

/** Axes to reduce: numbers from the front, negative from the end; all axes if left out. */
export type Axes = number | readonly number[]

function reduce(op: OpDefinition, x: Tensor, axes: Axes | undefined, keepDims: boolean): Tensor {
  // ONNX Runtime gets the shape of an empty tensor's reduction wrong when axes are negative.
  const normal = (typeof axes === 'number' ? [axes] : axes)?.map((axis) => (axis < 0 ? axis + x.rank : axis))
  const list = normal ? constant(normal, 'int64') : null
  return apply1(op, [x, list], { keepdims: keepDims ? 1 : 0 })
}

/** Sum over axes (all by default). */
export const reduceSum = (x: Tensor, axes?: Axes, keepDims = false): Tensor => reduce(ReduceSum, x, axes, keepDims)
/** Mean over axes (all by default). */
export const reduceMean = (x: Tensor, axes?: Axes, keepDims = false): Tensor => reduce(ReduceMean, x, axes, keepDims)
/** Largest element over axes (all by default). */
export const reduceMax = (x: Tensor, axes?: Axes, keepDims = false): Tensor => reduce(ReduceMax, x, axes, keepDims)
/** Smallest element over axes (all by default). */
export const reduceMin = (x: Tensor, axes?: Axes, keepDims = false): Tensor => reduce(ReduceMin, x, axes, keepDims)
/** Product over axes (all by default). */
export const reduceProd = (x: Tensor, axes?: Axes, keepDims = false): Tensor => reduce(ReduceProd, x, axes, keepDims)
/** Sum of squares over axes (all by default). */
export const reduceSumSquare = (x: Tensor, axes?: Axes, keepDims = false): Tensor =>
  reduce(ReduceSumSquare, x, axes, keepDims)
/** Euclidean norm over axes (all by default). */
export const reduceL2 = (x: Tensor, axes?: Axes, keepDims = false): Tensor => reduce(ReduceL2, x, axes, keepDims)
/** ln sum exp over axes (all by default). */
export const reduceLogSumExp = (x: Tensor, axes?: Axes, keepDims = false): Tensor =>
  reduce(ReduceLogSumExp, x, axes, keepDims)
/** ln of the sum over axes (all by default). */
export const reduceLogSum = (x: Tensor, axes?: Axes, keepDims = false): Tensor =>
  reduce(ReduceLogSum, x, axes, keepDims)
/** Sum of absolute values over axes (all by default). */
export const reduceL1 = (x: Tensor, axes?: Axes, keepDims = false): Tensor => reduce(ReduceL1, x, axes, keepDims)
/** Index of the largest element along `axis`, int64. */
export const argMax = (x: Tensor, axis: number, keepDims = false): Tensor =>
  apply1(ArgMax, [x], { axis, keepdims: keepDims ? 1 : 0 })
/** Index of the smallest element along `axis`, int64. */
export const argMin = (x: Tensor, axis: number, keepDims = false): Tensor =>
  apply1(ArgMin, [x], { axis, keepdims: keepDims ? 1 : 0 })
/** Number of elements of x, an int64 scalar. */
export const sizeOfTensor = (x: Tensor): Tensor => reduceProd(shapeOf(x))
