import { allocate, bytesPerElement, type DType, holds, type TensorData, type TypedArray } from '../../dtype.js'
import { OnnxFormatError } from './errors.js'
import { checkExternalLocation } from './externalLocation.js'
import { TensorDataLocation, TensorDataType, type TensorProto } from './model.js'

/** A tensor of strings on the host, elements in C order. */
export interface StringTensorData {
  readonly dtype: 'string'
  readonly shape: readonly number[]
  readonly data: readonly string[]
}

/** Any tensor that an ONNX file can hold and the host can represent: narrow it by `dtype`. */
export type TensorArray = { [D in DType]: TensorData<D> }[DType] | StringTensorData

/**
 * Reads part of a file beside the model.
 *
 * @param location - Relative path inside the model's folder; it never leaves that folder and is never absolute.
 * @param offset - First byte.
 * @param length - Number of bytes; exactly as many must come back.
 */
export type ReadExternalData = (location: string, offset: number, length: number) => Uint8Array

const dtypeOfNumber: Readonly<Record<number, DType | 'string'>> = {
  [TensorDataType.FLOAT]: 'float32',
  [TensorDataType.UINT8]: 'uint8',
  [TensorDataType.INT8]: 'int8',
  [TensorDataType.UINT16]: 'uint16',
  [TensorDataType.INT16]: 'int16',
  [TensorDataType.INT32]: 'int32',
  [TensorDataType.INT64]: 'int64',
  [TensorDataType.STRING]: 'string',
  [TensorDataType.BOOL]: 'bool',
  [TensorDataType.FLOAT16]: 'float16',
  [TensorDataType.DOUBLE]: 'float64',
  [TensorDataType.UINT32]: 'uint32',
  [TensorDataType.UINT64]: 'uint64',
  [TensorDataType.BFLOAT16]: 'bfloat16',
}

const numberOfDtype = Object.fromEntries(
  Object.entries(dtypeOfNumber).map(([number, dtype]) => [dtype, Number(number)]),
) as Record<DType | 'string', TensorDataType>

const typeNames = new Map<number, string>(Object.entries(TensorDataType).map(([name, number]) => [number, name]))

/** ONNX's name of an element type, as in `FLOAT16`; `type 99` for a number that is not in the standard. */
export function dataTypeName(dataType: number): string {
  return typeNames.get(dataType) ?? `type ${dataType}`
}

/** The dtype of a `TensorDataType`, or undefined for types that the host has no array for (complex, 8-bit floats, 4-bit integers). */
export function dtypeOf(dataType: number): DType | 'string' | undefined {
  return dtypeOfNumber[dataType]
}

/** The `TensorDataType` of a dtype. */
export function dataTypeOf(dtype: DType | 'string'): TensorDataType {
  return numberOfDtype[dtype]
}

/** The fields that can hold elements. */
type ValueField = 'floatData' | 'int32Data' | 'int64Data' | 'doubleData' | 'uint64Data' | 'stringData'
const valueFields: readonly ValueField[] = [
  'floatData',
  'int32Data',
  'int64Data',
  'doubleData',
  'uint64Data',
  'stringData',
]

/** Which list holds each dtype's elements when they are not raw. */
const valueFieldOf: Record<DType | 'string', ValueField> = {
  float32: 'floatData',
  float64: 'doubleData',
  float16: 'int32Data',
  bfloat16: 'int32Data',
  int64: 'int64Data',
  int32: 'int32Data',
  int16: 'int32Data',
  int8: 'int32Data',
  uint64: 'uint64Data',
  uint32: 'uint64Data',
  uint16: 'int32Data',
  uint8: 'int32Data',
  bool: 'int32Data',
  string: 'stringData',
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** Options of `tensorToArray`. */
export interface TensorToArrayOptions {
  /** Reads elements that are stored outside the model's file. Without it, such tensors are refused. */
  readonly readExternal?: ReadExternalData
  /** Where the tensor is, for error messages. Default `TensorProto "name"`. */
  readonly path?: string
}

/**
 * The elements of an ONNX tensor, wherever they are: raw bytes, a typed list, or a file beside the model.
 *
 * Raw bytes whose address suits the element size, and typed lists of the same width, come back as views that share
 * memory with `tensor`; everything else is copied. Booleans are 0 or 1. Checksums of external data are not verified.
 *
 * @throws OnnxFormatError if the element type has no array here, a dim is negative, the number of elements or bytes does
 * not match the shape, a value does not fit its type, more than one field holds elements, the tensor is a segment of a
 * larger one, or external data cannot be read or lies outside the model's folder.
 */
export function tensorToArray(tensor: TensorProto, options: TensorToArrayOptions = {}): TensorArray {
  const path = options.path ?? `TensorProto ${JSON.stringify(tensor.name ?? '')}`
  const fail = (message: string): never => {
    throw new OnnxFormatError(message, { path })
  }
  const dtype = dtypeOf(tensor.dataType)
  if (dtype === undefined)
    return fail(
      `elements of ${dataTypeName(tensor.dataType)} cannot be read; supported are ${Object.keys(numberOfDtype).join(', ')}.`,
    )
  if (tensor.segment) fail('the tensor is one segment of a larger one, which no ONNX version allows in models.')
  const shape = [...tensor.dims]
  let size = 1
  for (const dim of shape) {
    if (!Number.isSafeInteger(dim) || dim < 0) fail(`expected dims of 0 or more, found [${shape.join(', ')}].`)
    size *= dim
  }
  // Products beyond the safe integers match no length below, unless a zero hides them.
  if (!Number.isSafeInteger(size)) fail(`shape [${shape.join(', ')}] has too many elements.`)

  const filled = valueFields.filter((name) => tensor[name] !== undefined && tensor[name].length > 0)
  const external = tensor.dataLocation === TensorDataLocation.EXTERNAL
  const holders = [
    ...filled,
    ...(tensor.rawData && tensor.rawData.length > 0 ? ['rawData'] : []),
    ...(external ? ['externalData'] : []),
  ]
  if (holders.length > 1) fail(`expected one field with elements, found ${holders.join(' and ')}.`)
  if (holders.length === 0) {
    if (size !== 0) fail(`shape [${shape.join(', ')}] needs ${size} elements, found none.`)
    if (dtype === 'string') return { dtype, shape, data: [] }
    return { dtype, shape, data: allocate(dtype, 0) } as TensorArray
  }

  if (dtype === 'string') {
    if (filled[0] !== 'stringData') fail(`expected strings in stringData, found ${holders[0]}.`)
    const data = tensor.stringData!.map((bytes, i) => {
      try {
        return utf8.decode(bytes)
      } catch {
        return fail(`stringData[${i}] is not UTF-8 text.`)
      }
    })
    if (data.length !== size) fail(`shape [${shape.join(', ')}] needs ${size} elements, found ${data.length}.`)
    return { dtype, shape, data }
  }

  let data: TypedArray
  if (filled.length === 1) {
    const name = filled[0]!
    if (name !== valueFieldOf[dtype]) fail(`expected ${dtype} elements in ${valueFieldOf[dtype]}, found ${name}.`)
    const values = tensor[name] as Float32Array | Float64Array | Int32Array | BigInt64Array | BigUint64Array
    if (values.length !== size) fail(`shape [${shape.join(', ')}] needs ${size} elements, found ${values.length}.`)
    data = holds(dtype, values) ? values : narrow(dtype, values as Int32Array | BigUint64Array, fail)
  } else {
    const byteLength = size * bytesPerElement(dtype)
    const raw = external ? readExternal(tensor, byteLength, options.readExternal, fail) : tensor.rawData!
    if (raw.length !== byteLength)
      fail(`shape [${shape.join(', ')}] of ${dtype} needs ${byteLength} bytes, found ${raw.length}.`)
    data = viewOf(dtype, raw)
  }
  return { dtype, shape, data } as TensorArray
}

function viewOf(dtype: DType, raw: Uint8Array): TypedArray {
  if (dtype === 'bool') return raw.some((byte) => byte > 1) ? raw.map((byte) => (byte === 0 ? 0 : 1)) : raw
  if (dtype === 'uint8') return raw
  const array = allocate(dtype, 0)
  const make = array.constructor as new (buffer: ArrayBufferLike, offset: number, length: number) => TypedArray
  const size = array.BYTES_PER_ELEMENT
  // A copy starts at address 0 of its own buffer, so it suits every size.
  const bytes = raw.byteOffset % size === 0 ? raw : Uint8Array.from(raw)
  return new make(bytes.buffer, bytes.byteOffset, bytes.length / size)
}

function narrow(dtype: DType, values: Int32Array | BigUint64Array, fail: (message: string) => never): TypedArray {
  const data = allocate(dtype, values.length) as Exclude<TypedArray, BigInt64Array | BigUint64Array>
  for (let i = 0; i < values.length; i++) {
    const value = Number(values[i]!)
    data[i] = dtype === 'bool' ? Number(value !== 0) : value
    if (dtype !== 'bool' && data[i] !== value) fail(`element ${i} is ${value}, which ${dtype} cannot hold.`)
  }
  return data
}

function readExternal(
  tensor: TensorProto,
  byteLength: number,
  read: ReadExternalData | undefined,
  fail: (message: string) => never,
): Uint8Array {
  const entry = (key: string) => tensor.externalData?.find((e) => e.key === key)?.value
  const location = entry('location')
  if (location === undefined) return fail('external data has no location.')
  const problem = checkExternalLocation(location)
  if (problem !== undefined) fail(`external data at ${JSON.stringify(location)} is refused: ${problem}.`)
  const number = (key: string): number | undefined => {
    const text = entry(key)
    if (text === undefined) return undefined
    const value = Number(text)
    return /^\d+$/.test(text) && Number.isSafeInteger(value)
      ? value
      : fail(`external data's ${key} should be a number of bytes, found ${JSON.stringify(text)}.`)
  }
  const offset = number('offset') ?? 0
  const length = number('length') ?? byteLength
  if (length !== byteLength) fail(`external data announces ${length} bytes, the shape needs ${byteLength}.`)
  if (!read) return fail(`elements are in the file ${JSON.stringify(location)}; pass readExternal to read them.`)
  const bytes = read(location, offset, length)
  if (bytes.length !== length)
    fail(`expected ${length} bytes at ${offset} of ${JSON.stringify(location)}, found ${bytes.length}.`)
  return bytes
}

/**
 * An ONNX tensor of a host array: numbers as raw bytes that share memory with `array.data`, strings as UTF-8.
 *
 * @param name - Name of the tensor; omit it for attribute values.
 * @throws OnnxFormatError if the number of elements does not match the shape or the data is not the dtype's array.
 */
export function arrayToTensor(array: TensorArray, name?: string): TensorProto {
  const fail = (message: string): never => {
    throw new OnnxFormatError(message, { path: `TensorProto ${JSON.stringify(name ?? '')}` })
  }
  const dims = [...array.shape]
  if (!dims.every((dim) => Number.isSafeInteger(dim) && dim >= 0))
    fail(`expected dims of 0 or more, found [${dims.join(', ')}].`)
  const size = dims.reduce((product, dim) => product * dim, 1)
  if (array.data.length !== size) fail(`shape [${dims.join(', ')}] needs ${size} elements, found ${array.data.length}.`)
  const tensor: TensorProto = { dims, dataType: dataTypeOf(array.dtype) }
  if (name !== undefined) tensor.name = name
  if (array.dtype === 'string') {
    const encoder = new TextEncoder()
    tensor.stringData = array.data.map((text, i) => {
      if (/\p{Surrogate}/u.test(text)) fail(`element ${i} has half a surrogate pair, which UTF-8 cannot say.`)
      return encoder.encode(text)
    })
    return tensor
  }
  if (!holds(array.dtype, array.data))
    fail(`${array.dtype} elements do not live in a ${(array.data as object).constructor.name}.`)
  tensor.rawData = new Uint8Array(array.data.buffer, array.data.byteOffset, array.data.byteLength)
  return tensor
}
