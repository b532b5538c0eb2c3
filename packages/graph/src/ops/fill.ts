import type { Dim } from '../dim.js'
import { freshDim, isStatic, subtractDims } from '../dim.js'
import { allocate, type DType, type TensorData, tensorData } from '../dtype.js'
import { apply1, defineOp, stopsGradient } from '../op.js'
import type { Tensor } from '../tensor.js'
import { constant } from './leaves.js'
import { shapeOf, shapeTensor } from './shape.js'

/** A tensor of one value, shaped by an int64 vector. ONNX ConstantOfShape-20. */
export const ConstantOfShape = defineOp({
  type: 'ConstantOfShape',
  since: 20,
  attributes: { value: { kind: 'tensor', default: { dtype: 'float32', shape: [1], data: new Float32Array(1) } } },
  infer: (context) => {
    const target = context.input(0)
    const rank = target.shape[0]
    if (!target.known && typeof rank !== 'number') context.fail('the rank of the shape must be known while building.')
    const shape = target.known ?? Array.from({ length: rank as number }, () => freshDim('filled'))
    const value = context.attributes.value as TensorData
    const known =
      value.dtype === 'int64' && shape.length <= 1 && isStatic(shape) && (shape[0] ?? 1) <= 64
        ? new Array<Dim>(Number(shape[0] ?? 1)).fill(Number(value.data[0]))
        : undefined
    return [{ dtype: value.dtype, shape, known }]
  },
  grad: stopsGradient('a constant'),
})

/** start, start + delta, ... below limit. ONNX Range-11. */
export const Range = defineOp({
  type: 'Range',
  since: 11,
  infer: (context) => {
    const [start, limit, delta] = [context.input(0), context.input(1), context.input(2)]
    const ends = [start, limit, delta].map((t) => t.known?.[0] ?? (t.constant ? Number(t.constant.data[0]) : undefined))
    let size: Dim
    if (ends.every((end) => typeof end === 'number')) {
      const [a, b, d] = ends as [number, number, number]
      size = Math.max(0, Math.ceil((b - a) / d))
    } else if (ends[1] !== undefined && typeof ends[0] === 'number' && ends[2] === 1)
      size = subtractDims(ends[1], ends[0])
    else size = freshDim('range')
    return [{ dtype: start.dtype, shape: [size] }]
  },
  evaluate: (inputs, node) => {
    const [start, , delta] = inputs as readonly TensorData[]
    const length = node.outputs[0]!.shape[0] as number
    const data = allocate(start!.dtype, length)
    const big = start!.dtype === 'int64'
    for (let i = 0; i < length; i++) {
      const v = Number(start!.data[0]) + i * Number(delta!.data[0])
      ;(data as unknown as (number | bigint)[])[i] = big ? BigInt(v) : v
    }
    return [{ dtype: start!.dtype, shape: [length], data }]
  },
  grad: stopsGradient('a range is constant'),
})

/** A tensor of `dims` holding `value`; symbols are read from `sources`. */
export function fill(dims: readonly Dim[], value: number, dtype: DType, sources: readonly Tensor[] = []): Tensor {
  return apply1(ConstantOfShape, [shapeTensor(dims, sources)], { value: tensorData([value], dtype) })
}
/** Zeros of x's shape and dtype. */
export const zerosLike = (x: Tensor): Tensor => fullLike(x, 0)
/** Ones of x's shape and dtype. */
export const onesLike = (x: Tensor): Tensor => fullLike(x, 1)
/** `value` in x's shape and dtype. */
export const fullLike = (x: Tensor, value: number): Tensor =>
  apply1(ConstantOfShape, [shapeOf(x)], { value: tensorData([value], x.dtype) })
/** 0, 1, ..., limit - 1 as int64; `limit` is a number or an int64 scalar. */
export const range = (limit: Tensor | number): Tensor =>
  apply1(Range, [
    constant(0, 'int64'),
    typeof limit === 'number' ? constant(limit, 'int64') : limit,
    constant(1, 'int64'),
  ])
