import { PickleError, TensorDataError } from './errors.js'
import { allocateData, type DType, dataOver, elementBytes, elementCount, type TensorData } from './tensorData.js'

/** PyTorch's storage class of each dtype; dtypes without one are stored as UntypedStorage. */
export const storageClasses = {
  FloatStorage: 'float32',
  DoubleStorage: 'float64',
  HalfStorage: 'float16',
  BFloat16Storage: 'bfloat16',
  LongStorage: 'int64',
  IntStorage: 'int32',
  ShortStorage: 'int16',
  CharStorage: 'int8',
  ByteStorage: 'uint8',
  BoolStorage: 'bool',
} as const satisfies Record<string, DType>

/** A stored run of elements that tensors are views of. Its bytes may follow the pickle that names it. */
export class TorchStorage {
  /**
   * @param key - Name of the storage within the file.
   * @param dtype - Element type, or `untyped` for raw bytes.
   * @param length - Elements; bytes if untyped.
   * @param byteOffset - Where it begins within the stored bytes of `key`; not 0 only for views of torch < 0.4.
   */
  constructor(
    readonly key: string,
    readonly dtype: DType | 'untyped',
    readonly length: number,
    readonly byteOffset = 0,
  ) {}

  get byteLength(): number {
    return this.length * (this.dtype === 'untyped' ? 1 : elementBytes(this.dtype))
  }
}

/** Where the elements of a tensor lie within its storage. Offset and strides count elements. */
export interface TensorLayout {
  readonly storage: TorchStorage
  readonly dtype: DType
  readonly offset: number
  readonly shape: readonly number[]
  readonly strides: readonly number[]
}

/** A tensor whose elements are filled in once the storages have been read. */
export interface PendingTensor {
  readonly layout: TensorLayout
  readonly tensor: TensorData
  /** Sets the elements of `tensor`. */
  readonly fill: (data: TensorData['data']) => void
}

/** A tensor without its elements yet. */
export function pendingTensor(layout: TensorLayout): PendingTensor {
  const tensor = { dtype: layout.dtype, shape: layout.shape, data: allocateData(layout.dtype, 0) }
  return {
    layout,
    tensor,
    fill(data) {
      tensor.data = data
    },
  }
}

/**
 * Checks that a view lies within its storage.
 *
 * @param what - Names the file in errors.
 * @returns Bytes that the tensor will take.
 * @throws TensorDataError if it does not, or if a number is not a non-negative integer.
 */
export function checkLayout(layout: TensorLayout, what: string): number {
  const { storage, dtype, offset, shape, strides } = layout
  const name = `${what}: tensor of shape [${shape.join(', ')}] and strides [${strides.join(', ')}]`
  const count = elementCount(shape, name)
  if (shape.length !== strides.length || ![offset, ...strides].every((n) => Number.isSafeInteger(n) && n >= 0)) {
    throw new TensorDataError(`${name}: expected an offset and one stride per dim, all non-negative integers.`)
  }
  const bytes = elementBytes(dtype)
  const needed = count === 0 ? 0 : shape.reduce((last, dim, axis) => last + (dim - 1) * strides[axis]!, offset) + 1
  if (needed * bytes > storage.byteLength) {
    throw new TensorDataError(
      `${name} needs ${needed} elements of ${dtype} in its storage, found ${Math.floor(storage.byteLength / bytes)}.`,
    )
  }
  return count * bytes
}

/**
 * Copies the elements of a view in C order.
 *
 * @param bytes - The stored bytes of the view's storage.
 * @param bigEndian - Byte order of the file.
 */
export function gather(layout: TensorLayout, bytes: Uint8Array, bigEndian: boolean): TensorData['data'] {
  const { storage, dtype, offset, shape, strides } = layout
  const size = elementBytes(dtype)
  const count = shape.reduce((product, dim) => product * dim, 1)
  const start = storage.byteOffset + offset * size
  if (count === 0) return allocateData(dtype, 0)
  if (storage.byteOffset + storage.byteLength > bytes.length) {
    throw new PickleError(
      `Storage ${storage.key}: expected ${storage.byteOffset + storage.byteLength} bytes, found ${bytes.length}.`,
    )
  }
  if (isContiguous(shape, strides)) {
    return finish(bytes.slice(start, start + count * size), dtype, bigEndian)
  }
  // Typed arrays of the element's width copy faster than bytes do; they need an aligned start.
  const last = shape.reduce((sum, dim, axis) => sum + (dim - 1) * strides[axis]!, 0)
  const span = bytes.slice(start, start + (last + 1) * size)
  const raw = rawDType(size)
  const from = dataOver(raw, span.buffer)
  const to = allocateData(raw, count)
  copyStrided(from as Uint8Array, to as Uint8Array, shape, strides)
  return finish(new Uint8Array(to.buffer as ArrayBuffer), dtype, bigEndian)
}

function rawDType(size: number): DType {
  return size === 1 ? 'uint8' : size === 2 ? 'uint16' : size === 4 ? 'int32' : 'int64'
}

function isContiguous(shape: readonly number[], strides: readonly number[]): boolean {
  let expected = 1
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    if (shape[axis] !== 1 && strides[axis] !== expected) return false
    expected *= shape[axis]!
  }
  return true
}

/** Element copy for arrays of any element type; typed as bytes because number and bigint elements are only moved. */
function copyStrided(from: Uint8Array, to: Uint8Array, shape: readonly number[], strides: readonly number[]): void {
  const rank = shape.length
  const inner = shape[rank - 1]!
  const innerStride = strides[rank - 1]!
  const index = new Array<number>(rank).fill(0)
  let base = 0
  for (let at = 0; at < to.length; ) {
    for (let i = 0, source = base; i < inner; i++, source += innerStride) to[at++] = from[source]!
    for (let axis = rank - 2; axis >= 0; axis--) {
      base += strides[axis]!
      if (++index[axis]! < shape[axis]!) break
      base -= shape[axis]! * strides[axis]!
      index[axis] = 0
    }
  }
}

function finish(bytes: Uint8Array, dtype: DType, bigEndian: boolean): TensorData['data'] {
  const size = elementBytes(dtype)
  if (bigEndian) for (let at = 0; at < bytes.length; at += size) bytes.subarray(at, at + size).reverse()
  return dataOver(dtype, bytes.buffer as ArrayBuffer)
}
