import { allocate, type DType, sizeOf, type TensorData } from '@nemo/graph'

/** A field of a protobuf message: a number, or the bytes of what is inside. */
export interface ProtobufField {
  readonly number: number
  readonly value: bigint | Uint8Array
}

/** Fields of a message, in order; enough of the format for ONNX's files. */
export function* protobufFields(bytes: Uint8Array): Generator<ProtobufField> {
  let at = 0
  const varint = (): bigint => {
    let value = 0n
    for (let shift = 0n; ; shift += 7n) {
      const byte = bytes[at++]!
      value |= BigInt(byte & 0x7f) << shift
      if (byte < 0x80) return BigInt.asUintN(64, value)
    }
  }
  const take = (count: number): Uint8Array => {
    at += count
    return bytes.subarray(at - count, at)
  }
  while (at < bytes.length) {
    const tag = Number(varint())
    const [number, wire] = [tag >> 3, tag & 7]
    if (wire === 0) yield { number, value: varint() }
    else if (wire === 1) yield { number, value: take(8) }
    else if (wire === 2) yield { number, value: take(Number(varint())) }
    else if (wire === 5) yield { number, value: take(4) }
    else throw new Error(`Field ${number} has the unknown wire type ${wire}.`)
  }
}

const DTYPES: Readonly<Record<number, DType>> = {
  1: 'float32',
  2: 'uint8',
  3: 'int8',
  4: 'uint16',
  5: 'int16',
  6: 'int32',
  7: 'int64',
  9: 'bool',
  10: 'float16',
  11: 'float64',
  12: 'uint32',
  13: 'uint64',
  16: 'bfloat16',
}

/** A TensorProto; `undefined` for element types that are no tensors of ours. */
export function tensorOfProto(bytes: Uint8Array): TensorData | undefined {
  const shape: number[] = []
  const numbers: (number | bigint)[] = []
  let dtype: DType | undefined
  let raw: Uint8Array | undefined
  for (const { number, value } of protobufFields(bytes)) {
    if (number === 2) dtype = DTYPES[Number(value)]
    else if (number === 9) raw = value as Uint8Array
    else if (number === 1) shape.push(...varintsOf(value).map(Number))
    else if (number === 4) numbers.push(...elementsOf(value as Uint8Array, Float32Array))
    else if (number === 10) numbers.push(...elementsOf(value as Uint8Array, Float64Array))
    else if (number === 5 || number === 7 || number === 11) numbers.push(...varintsOf(value))
  }
  if (!dtype) return undefined
  const data = allocate(dtype, sizeOf(shape))
  if (raw) new Uint8Array(data.buffer).set(raw)
  else {
    for (const [i, number] of numbers.entries()) {
      const big = dtype === 'int64' || dtype === 'uint64'
      ;(data as unknown as (number | bigint)[])[i] = big ? BigInt(number) : Number(number)
    }
  }
  return { dtype, shape, data } as TensorData
}

// A number by itself, or packed ones.
function varintsOf(value: bigint | Uint8Array): bigint[] {
  if (typeof value === 'bigint') return [BigInt.asIntN(64, value)]
  const all: bigint[] = []
  let [number, shift] = [0n, 0n]
  for (const byte of value) {
    number |= BigInt(byte & 0x7f) << shift
    shift += 7n
    if (byte < 0x80) {
      all.push(BigInt.asIntN(64, number))
      ;[number, shift] = [0n, 0n]
    }
  }
  return all
}

const elementsOf = (bytes: Uint8Array, View: Float32ArrayConstructor | Float64ArrayConstructor): number[] =>
  Array.from(new View(bytes.slice().buffer))
