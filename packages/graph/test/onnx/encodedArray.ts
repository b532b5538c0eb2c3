import { allocate, type DType, sizeOf, type TensorData } from '../../src/dtype.js'

/** An array in a JSON fixture: elements as base64 of little-endian bytes. */
export interface EncodedArray {
  readonly dtype: DType
  readonly shape: readonly number[]
  readonly data: string
}

/** The array as a tensor. */
export function decodeArray({ dtype, shape, data }: EncodedArray): TensorData {
  const array = allocate(dtype, sizeOf(shape))
  new Uint8Array(array.buffer).set(Buffer.from(data, 'base64'))
  return { dtype, shape, data: array }
}
