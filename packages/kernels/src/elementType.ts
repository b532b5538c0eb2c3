import { allocate, type DType, type TensorData } from '@nemo/graph'
import { UnsupportedGraphError } from './errors.js'

/** Element types of buffers in WGSL. */
export type ElementType = 'f32' | 'i32' | 'u32'

/** Bytes of every element on the device. */
export const ELEMENT_BYTES = 4

const elementTypes = {
  float32: 'f32',
  int32: 'i32',
  int64: 'i32',
  uint32: 'u32',
  bool: 'u32',
} as const satisfies Partial<Record<DType, ElementType>>

/**
 * How a dtype is stored on the device. int64 is kept as i32 (WGSL has no 64-bit integers), so its values must lie in
 * [-2^31, 2^31); bool is 0 or 1 in a u32.
 *
 * @returns undefined for dtypes that the executor does not run.
 */
export function elementTypeOf(dtype: DType): ElementType | undefined {
  return (elementTypes as Partial<Record<DType, ElementType>>)[dtype]
}

/** The same for a dtype that was checked before. */
export function requireElementType(dtype: DType): ElementType {
  const element = elementTypeOf(dtype)
  if (!element) throw new UnsupportedGraphError(`WebGPU has no tensors of ${dtype}; cast to float32, int64 or bool.`)
  return element
}

/**
 * Elements as the device stores them.
 *
 * @param what - Names the tensor in the error.
 * @param wrap - Keeps the low 32 bits of int64 instead of refusing larger numbers.
 * @throws UnsupportedGraphError for an int64 beyond 32 bits.
 */
export function toDevice(
  value: TensorData,
  what: string,
  wrap = false,
): Float32Array<ArrayBuffer> | Int32Array<ArrayBuffer> | Uint32Array<ArrayBuffer> {
  const { dtype, data } = value
  if (dtype === 'int64') {
    return Int32Array.from(data as BigInt64Array, (element) => {
      const low = Number(BigInt.asIntN(32, element))
      if (!wrap && BigInt(low) !== element) {
        throw new UnsupportedGraphError(`${what} holds ${element}; int64 on WebGPU reaches from -2^31 to 2^31 - 1.`)
      }
      return low
    })
  }
  if (dtype === 'bool') return Uint32Array.from(data as Uint8Array)
  requireElementType(dtype)
  return (data as Float32Array).slice()
}

/** Elements back from the device, `bytes` being those of the tensor alone. */
export function fromDevice(dtype: DType, shape: readonly number[], bytes: ArrayBuffer): TensorData {
  if (dtype === 'int64') return { dtype, shape, data: BigInt64Array.from(new Int32Array(bytes), BigInt) }
  if (dtype === 'bool') return { dtype, shape, data: Uint8Array.from(new Uint32Array(bytes)) }
  const data = allocate(dtype, 0)
  const View = data.constructor as Float32ArrayConstructor
  return { dtype, shape, data: new View(bytes) }
}
