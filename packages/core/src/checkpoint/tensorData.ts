import type { DataOf, DType, TensorData } from '@nemo/graph'
import { TensorDataError } from './errors.js'

export type { DataOf, DType, TensorData } from '@nemo/graph'

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
} as const satisfies Record<DType, unknown>

/** Every dtype that checkpoints may hold. */
export const dtypeNames = Object.keys(constructors) as readonly DType[]

/** Bytes of one element. */
export function elementBytes(dtype: DType): number {
  return constructors[dtype].BYTES_PER_ELEMENT
}

/**
 * Number of elements of a shape; 1 for a scalar.
 *
 * @param what - Names the tensor in errors.
 * @throws TensorDataError if a dim is negative or fractional, or the count is beyond 2^53.
 */
export function elementCount(shape: readonly number[], what: string): number {
  let count = 1
  for (const dim of shape) {
    if (!Number.isSafeInteger(dim) || dim < 0) {
      throw new TensorDataError(
        `${what}: expected dims that are non-negative integers, found shape [${shape.join(', ')}].`,
      )
    }
    count *= dim
  }
  if (!Number.isSafeInteger(count))
    throw new TensorDataError(`${what}: shape [${shape.join(', ')}] has too many elements.`)
  return count
}

/** A zeroed typed array of `length` elements. */
export function allocateData<T extends DType>(dtype: T, length: number): DataOf[T] {
  return new constructors[dtype](length) as DataOf[T]
}

/** The typed array over the whole of a buffer. */
export function dataOver<T extends DType>(dtype: T, buffer: ArrayBuffer): DataOf[T] {
  return new constructors[dtype](buffer) as DataOf[T]
}

/** The bytes of a tensor's elements, without a copy. Little-endian, as every host that runs JavaScript is. */
export function bytesOf(tensor: TensorData): Uint8Array {
  return new Uint8Array(tensor.data.buffer, tensor.data.byteOffset, tensor.data.byteLength)
}

/** Whether a value has the three fields of a tensor. Consistency is checked by `checkTensor`. */
export function isTensor(value: unknown): value is TensorData {
  if (typeof value !== 'object' || value === null) return false
  return 'dtype' in value && 'shape' in value && 'data' in value && ArrayBuffer.isView(value.data)
}

/**
 * Checks that dtype, shape and elements agree.
 *
 * @param what - Names the tensor in errors.
 * @throws TensorDataError naming what disagrees.
 */
export function checkTensor(tensor: TensorData, what: string): void {
  const arrayClass = Object.hasOwn(constructors, tensor.dtype) ? constructors[tensor.dtype] : undefined
  if (!arrayClass) {
    throw new TensorDataError(`${what}: expected one of the dtypes ${dtypeNames.join(', ')}, found ${tensor.dtype}.`)
  }
  if (!(tensor.data instanceof arrayClass)) {
    throw new TensorDataError(
      `${what}: ${tensor.dtype} is stored in a ${arrayClass.name}, found ${tensor.data.constructor.name}.`,
    )
  }
  const count = elementCount(tensor.shape, what)
  if (tensor.data.length !== count) {
    throw new TensorDataError(
      `${what}: shape [${tensor.shape.join(', ')}] needs ${count} elements, found ${tensor.data.length}.`,
    )
  }
}
