import type { Dim, Shape } from '../dim.js'
import { isStatic } from '../dim.js'
import { type DType, sizeOf, type TensorData, type TensorLike, tensorData } from '../dtype.js'
import { ShapeError } from '../errors.js'
import { apply1, defineOp, stopsGradient } from '../op.js'
import { Tensor } from '../tensor.js'

/** A value that the caller of a program feeds. */
export const Input = defineOp({
  type: 'Input',
  domain: 'nemo',
  since: 1,
  attributes: { name: { kind: 'string' }, dtype: { kind: 'string' }, shape: { kind: 'strings' } },
  infer: ({ attributes }) => [{ dtype: attributes.dtype as DType, shape: attributes.shape as unknown as Shape }],
  grad: stopsGradient('a leaf'),
})

/** A value fixed when the graph is built. ONNX Constant-13. */
export const Constant = defineOp({
  type: 'Constant',
  since: 13,
  attributes: { value: { kind: 'tensor' } },
  infer: ({ attributes }) => {
    const value = attributes.value as TensorData
    return [{ dtype: value.dtype, shape: value.shape, known: knownElements(value) }]
  },
  grad: stopsGradient('a leaf'),
})

// Shape arithmetic works on int64 vectors and scalars; larger tensors are data.
function knownElements(value: TensorData): readonly Dim[] | undefined {
  if (value.dtype !== 'int64' || value.shape.length > 1 || value.data.length > 64) return undefined
  return Array.from(value.data as BigInt64Array, Number)
}

/**
 * A placeholder fed at run time.
 *
 * @param name - Unique within a program; the name of the input in exported ONNX files.
 * @param shape - Numbers or symbols; equal symbols must have equal sizes in one run.
 */
export function input(name: string, dtype: DType, shape: Shape): Tensor {
  for (const dim of shape) {
    if (typeof dim === 'number' && !(Number.isInteger(dim) && dim >= 0)) {
      throw new ShapeError(`Input ${name}: expected sizes that are whole numbers >= 0 or symbol names, found ${dim}.`)
    }
  }
  return apply1(Input, [], { name, dtype, shape: shape as readonly string[] })
}

/**
 * A constant.
 *
 * @param value - Number, nested array, typed array or `TensorData`.
 * @param dtype - Default float32.
 * @param shape - Needed only for typed arrays of rank other than 1.
 */
export function constant(value: TensorLike, dtype: DType = 'float32', shape?: readonly number[]): Tensor {
  return apply1(Constant, [], { value: tensorData(value, dtype, shape) })
}

/** A constant tensor holding one value everywhere. */
export function full(shape: readonly number[], value: number, dtype: DType = 'float32'): Tensor {
  const data = tensorData(new Array<number>(sizeOf(shape)).fill(value), dtype, shape)
  return constant(data, dtype)
}

/** `x` itself, or a scalar constant of `like`'s dtype. */
export function lift(x: Tensor | number, like: DType): Tensor {
  return x instanceof Tensor ? x : constant(x, like)
}

/** Whether a tensor is a constant whose every element equals `value`. */
export function isConstant(x: Tensor, value: number): boolean {
  const data = x.constant?.data
  return (
    data !== undefined &&
    data.length > 0 &&
    isStatic(x.shape) &&
    Array.from(data as ArrayLike<number | bigint>).every((v) => Number(v) === value)
  )
}
