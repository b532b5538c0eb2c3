import { DTypeError } from './errors.js'
import { storedNumber } from './halfFloat.js'

/** Element types of tensors, by their NumPy/ONNX names. */
export type DType =
  | 'float32'
  | 'float64'
  | 'float16'
  | 'bfloat16'
  | 'int64'
  | 'int32'
  | 'int16'
  | 'int8'
  | 'uint64'
  | 'uint32'
  | 'uint16'
  | 'uint8'
  | 'bool'

/** Storage of each element type; float16 and bfloat16 are raw bits, bool is 0 or 1. */
export interface DataOf {
  float32: Float32Array
  float64: Float64Array
  float16: Uint16Array
  bfloat16: Uint16Array
  int64: BigInt64Array
  int32: Int32Array
  int16: Int16Array
  int8: Int8Array
  uint64: BigUint64Array
  uint32: Uint32Array
  uint16: Uint16Array
  uint8: Uint8Array
  bool: Uint8Array
}

/** Any typed array that can hold a tensor's elements. */
export type TypedArray = DataOf[DType]

/** A concrete tensor on the host: dtype, shape and elements in C order. */
export interface TensorData<T extends DType = DType> {
  readonly dtype: T
  readonly shape: readonly number[]
  readonly data: DataOf[T]
}

const constructors = {
  float32: Float32Array,
  float64: Float64Array,
  float16: Uint16Array,
  bfloat16: Uint16Array,
  int64: BigInt64Array,
  int32: Int32Array,
  int16: Int16Array,
  int8: Int8Array,
  uint64: BigUint64Array,
  uint32: Uint32Array,
  uint16: Uint16Array,
  uint8: Uint8Array,
  bool: Uint8Array,
} as const

/** Whether gradients flow through tensors of this type. */
export function isFloat(dtype: DType): boolean {
  return dtype === 'float32' || dtype === 'float64' || dtype === 'float16' || dtype === 'bfloat16'
}

/** Bytes of one element. */
export function bytesPerElement(dtype: DType): number {
  return constructors[dtype].BYTES_PER_ELEMENT
}

/** Number of elements of a concrete shape; 1 for a scalar. */
export function sizeOf(shape: readonly number[]): number {
  return shape.reduce((product, dim) => product * dim, 1)
}

/** A zeroed typed array of `length` elements. */
export function allocate<T extends DType>(dtype: T, length: number): DataOf[T] {
  return new constructors[dtype](length) as DataOf[T]
}

/** Typed-array constructor check: does `data` store elements of `dtype`? */
export function holds(dtype: DType, data: unknown): data is TypedArray {
  return data instanceof constructors[dtype]
}

/** Numbers, booleans or bigints nested to any depth. */
export type NestedArray = number | boolean | bigint | readonly NestedArray[]

/** What a feed or constant may be written as. */
export type TensorLike = TensorData | NestedArray | TypedArray

function nestedShape(value: NestedArray): number[] {
  const shape: number[] = []
  for (let level = value; Array.isArray(level); level = level[0] as NestedArray) {
    shape.push(level.length)
    if (level.length === 0) break
  }
  return shape
}

function fillNested(
  value: NestedArray,
  depth: number,
  shape: readonly number[],
  push: (v: number | bigint) => void,
): void {
  if (!Array.isArray(value)) {
    if (depth !== shape.length)
      throw new DTypeError('Nested array is ragged: found a number where a list was expected.')
    push(typeof value === 'boolean' ? Number(value) : (value as number | bigint))
    return
  }
  if (depth >= shape.length || value.length !== shape[depth]) {
    throw new DTypeError(
      `Nested array is ragged at depth ${depth}: expected ${shape[depth]} entries, found ${value.length}.`,
    )
  }
  for (const item of value) fillNested(item as NestedArray, depth + 1, shape, push)
}

/**
 * Makes a concrete tensor from nested arrays, a typed array (rank 1 unless `shape` is given) or another tensor.
 *
 * @param value - Numbers nested to any depth, a typed array, or `TensorData` (returned unchanged if dtype and shape agree).
 * @param dtype - Element type; numbers are converted.
 * @param shape - Shape to give; must hold as many elements as `value`.
 * @throws DTypeError for ragged arrays, a wrong element count or an impossible conversion.
 */
export function tensorData<T extends DType>(value: TensorLike, dtype: T, shape?: readonly number[]): TensorData<T> {
  if (typeof value === 'object' && 'dtype' in value) {
    if (value.dtype !== dtype) throw new DTypeError(`Expected ${dtype}, found ${value.dtype}. Cast it first.`)
    const wanted = shape ?? value.shape
    checkCount(value.data.length, wanted)
    return { dtype, shape: wanted, data: value.data as DataOf[T] }
  }
  if (ArrayBuffer.isView(value)) {
    const array = value as TypedArray
    const wanted = shape ?? [array.length]
    checkCount(array.length, wanted)
    return { dtype, shape: wanted, data: holds(dtype, array) ? (array as DataOf[T]) : convert(array, dtype) }
  }
  const found = nestedShape(value)
  const wanted = shape ?? found
  checkCount(sizeOf(found), wanted)
  const data = allocate(dtype, sizeOf(found))
  const big = dtype === 'int64' || dtype === 'uint64'
  let at = 0
  fillNested(value, 0, found, (v) => {
    ;(data as unknown as (number | bigint)[])[at++] = big ? BigInt(v) : storedNumber(dtype, Number(v))
  })
  return { dtype, shape: wanted, data }
}

function checkCount(count: number, shape: readonly number[]): void {
  if (count !== sizeOf(shape)) {
    throw new DTypeError(`Shape [${shape.join(', ')}] needs ${sizeOf(shape)} elements, found ${count}.`)
  }
}

function convert<T extends DType>(array: TypedArray, dtype: T): DataOf[T] {
  if (dtype === 'float16' || dtype === 'bfloat16') {
    throw new DTypeError(`${dtype} tensors take raw bits in a Uint16Array, found ${array.constructor.name}.`)
  }
  const out = allocate(dtype, array.length)
  const big = dtype === 'int64' || dtype === 'uint64'
  for (let i = 0; i < array.length; i++) {
    ;(out as unknown as (number | bigint)[])[i] = big ? BigInt(array[i] as number) : Number(array[i])
  }
  return out
}
