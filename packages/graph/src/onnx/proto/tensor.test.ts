import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { decodeModel, decodeTensor } from './decode.js'
import { encodeTensor } from './encode.js'
import { OnnxFormatError } from './errors.js'
import { TensorDataLocation, TensorDataType, type TensorProto } from './model.js'
import { arrayToTensor, dataTypeOf, dtypeOf, type TensorArray, tensorToArray } from './tensor.js'

// Made by tools/reference/onnxFixtures.py; dtypes.values.json holds what NumPy reads.
const folder = new URL('../../../test/fixtures/onnx/', import.meta.url)
const read = (name: string) => new Uint8Array(readFileSync(new URL(name, folder)))
const model = decodeModel(read('dtypes.onnx'))
const values = JSON.parse(readFileSync(new URL('dtypes.values.json', folder), 'utf8')) as Record<
  string,
  (number | string)[]
>

const show = (value: number | bigint | string): number | string => {
  if (typeof value === 'bigint') return String(value)
  if (typeof value === 'string') return value
  if (Number.isNaN(value)) return 'nan'
  if (!Number.isFinite(value)) return value > 0 ? 'inf' : '-inf'
  return Object.is(value, -0) ? '-0.0' : value
}
const elements = (array: TensorArray) => Array.from(array.data as ArrayLike<number | bigint | string>, show)

describe('elements of real files', () => {
  test.each(Object.keys(values))('%s has the elements that NumPy reads', (name) => {
    const tensor = model.graph.initializer.find((t) => t.name === name)!
    const array = tensorToArray(tensor)
    expect(elements(array)).toEqual(values[name])
    expect(array.shape).toEqual(tensor.dims)
    const suffix = /^(.+)_(raw|typed)$/.exec(name)
    if (suffix) expect(array.dtype).toBe(suffix[1])
  })

  test.each(['int4', 'float8', 'complex'])('%s elements are refused by name', (name) => {
    const tensor = model.graph.initializer.find((t) => t.name === name)!
    expect(() => tensorToArray(tensor)).toThrow(/elements of (INT4|FLOAT8E5M2|COMPLEX64) cannot be read/)
  })

  test('external data is asked for by location, offset and length', () => {
    const tensor = decodeModel(read('external.onnx')).graph.initializer[0]!
    const asked: unknown[] = []
    const array = tensorToArray(tensor, {
      readExternal: (location, offset, length) => {
        asked.push([location, offset, length])
        return read(location).subarray(offset, offset + length)
      },
    })
    expect(asked).toEqual([['external.bin', 8, 12]])
    expect(array).toEqual({ dtype: 'float32', shape: [3], data: Float32Array.of(1, 2, 3) })
  })
})

const arrays = fc.oneof(
  fc.float32Array({ maxLength: 9 }).map((data) => ({ dtype: 'float32' as const, data })),
  fc.float64Array({ maxLength: 9 }).map((data) => ({ dtype: 'float64' as const, data })),
  fc.bigInt64Array({ maxLength: 9 }).map((data) => ({ dtype: 'int64' as const, data })),
  fc.bigUint64Array({ maxLength: 9 }).map((data) => ({ dtype: 'uint64' as const, data })),
  fc.int32Array({ maxLength: 9 }).map((data) => ({ dtype: 'int32' as const, data })),
  fc.uint32Array({ maxLength: 9 }).map((data) => ({ dtype: 'uint32' as const, data })),
  fc.int16Array({ maxLength: 9 }).map((data) => ({ dtype: 'int16' as const, data })),
  fc.uint16Array({ maxLength: 9 }).map((data) => ({ dtype: 'uint16' as const, data })),
  fc.uint16Array({ maxLength: 9 }).map((data) => ({ dtype: 'float16' as const, data })),
  fc.uint16Array({ maxLength: 9 }).map((data) => ({ dtype: 'bfloat16' as const, data })),
  fc.int8Array({ maxLength: 9 }).map((data) => ({ dtype: 'int8' as const, data })),
  fc.uint8Array({ maxLength: 9 }).map((data) => ({ dtype: 'uint8' as const, data })),
  fc.uint8Array({ max: 1, maxLength: 9 }).map((data) => ({ dtype: 'bool' as const, data })),
  fc.array(fc.string({ unit: 'binary' }), { maxLength: 9 }).map((data) => ({ dtype: 'string' as const, data })),
)

test('an array made a tensor, written and read at any address is the same array', () => {
  fc.assert(
    fc.property(arrays, fc.nat(7), (array, shift) => {
      const source = { ...array, shape: [array.data.length, 1] } as TensorArray
      const bytes = encodeTensor(arrayToTensor(source, 'x'))
      const moved = new Uint8Array(bytes.length + shift)
      moved.set(bytes, shift)
      const tensor = decodeTensor(moved.subarray(shift))
      expect(tensor.name).toBe('x')
      expect(tensorToArray(tensor)).toEqual(source)
    }),
    { seed: 1, numRuns: 400 },
  )
})

test('aligned raw bytes and typed lists come back as views, others as copies', () => {
  const buffer = new ArrayBuffer(16)
  const raw = (offset: number): TensorProto => ({
    dims: [2],
    dataType: TensorDataType.FLOAT,
    rawData: new Uint8Array(buffer, offset, 8),
  })
  expect((tensorToArray(raw(4)).data as Float32Array).buffer).toBe(buffer)
  expect((tensorToArray(raw(5)).data as Float32Array).buffer).not.toBe(buffer)
  const floatData = Float32Array.of(1, 2)
  expect(tensorToArray({ dims: [2], dataType: TensorDataType.FLOAT, floatData }).data).toBe(floatData)
  const data = Float32Array.of(1, 2)
  expect(arrayToTensor({ dtype: 'float32', shape: [2], data }).rawData!.buffer).toBe(data.buffer)
})

test('a boolean byte other than 0 and 1 reads as 1', () => {
  const tensor = { dims: [3], dataType: TensorDataType.BOOL, rawData: Uint8Array.of(0, 2, 255) }
  expect(tensorToArray(tensor).data).toEqual(Uint8Array.of(0, 1, 1))
  expect(tensorToArray({ dims: [2], dataType: TensorDataType.BOOL, int32Data: Int32Array.of(-5, 0) }).data).toEqual(
    Uint8Array.of(1, 0),
  )
})

test('data types and dtypes map both ways', () => {
  expect(dtypeOf(TensorDataType.BFLOAT16)).toBe('bfloat16')
  expect(dataTypeOf('string')).toBe(TensorDataType.STRING)
  expect(dtypeOf(TensorDataType.COMPLEX64)).toBeUndefined()
})

const float = (more: Partial<TensorProto>): TensorProto => ({
  name: 'w',
  dims: [2],
  dataType: TensorDataType.FLOAT,
  ...more,
})
const externally = (...entries: [string, string][]): TensorProto =>
  float({ dataLocation: TensorDataLocation.EXTERNAL, externalData: entries.map(([key, value]) => ({ key, value })) })

test.each<[string, TensorProto, RegExp]>([
  ['too few raw bytes', float({ rawData: new Uint8Array(7) }), /needs 8 bytes, found 7/],
  ['too many elements', float({ floatData: new Float32Array(3) }), /needs 2 elements, found 3/],
  ['no elements', float({}), /needs 2 elements, found none/],
  ['no elements of a scalar', float({ dims: [] }), /needs 1 elements, found none/],
  [
    'two fields of elements',
    float({ rawData: new Uint8Array(8), floatData: new Float32Array(2) }),
    /floatData and rawData/,
  ],
  [
    'elements in another type’s list',
    float({ int32Data: new Int32Array(2) }),
    /expected float32 elements in floatData, found int32Data/,
  ],
  ['a negative dim', float({ dims: [-1], rawData: new Uint8Array(8) }), /0 or more, found \[-1\]/],
  ['a shape beyond all memory', float({ dims: [2 ** 40, 2 ** 40], rawData: new Uint8Array(8) }), /too many elements/],
  ['a segment', float({ segment: { begin: 0, end: 2 }, rawData: new Uint8Array(8) }), /segment/],
  ['an undefined type', float({ dataType: 0, rawData: new Uint8Array(8) }), /UNDEFINED cannot be read/],
  ['a type of a later standard', float({ dataType: 99, rawData: new Uint8Array(8) }), /type 99 cannot be read/],
  [
    'an int8 of 300',
    float({ dataType: TensorDataType.INT8, int32Data: Int32Array.of(1, 300) }),
    /element 1 is 300, which int8 cannot hold/,
  ],
  [
    'a negative half',
    float({ dataType: TensorDataType.FLOAT16, int32Data: Int32Array.of(1, -1) }),
    /float16 cannot hold/,
  ],
  [
    'a uint32 of 2^32',
    float({ dataType: TensorDataType.UINT32, uint64Data: BigUint64Array.of(0n, 2n ** 32n) }),
    /uint32 cannot hold/,
  ],
  [
    'raw strings',
    float({ dataType: TensorDataType.STRING, rawData: new Uint8Array(2) }),
    /expected strings in stringData, found rawData/,
  ],
  [
    'a string that is not UTF-8',
    float({ dims: [1], dataType: TensorDataType.STRING, stringData: [Uint8Array.of(0xff)] }),
    /stringData\[0\] is not UTF-8/,
  ],
  ['external data without a location', externally(['offset', '0']), /no location/],
  [
    'external data above the folder',
    externally(['location', '../secret']),
    /"..\/secret" is refused: it leaves the model's folder/,
  ],
  ['external data at an absolute path', externally(['location', '/etc/passwd']), /absolute/],
  [
    'external data with a negative offset',
    externally(['location', 'a'], ['offset', '-4']),
    /offset should be a number of bytes, found "-4"/,
  ],
  [
    'external data of the wrong length',
    externally(['location', 'a'], ['length', '12']),
    /announces 12 bytes, the shape needs 8/,
  ],
  ['an external file that is too short', externally(['location', 'a']), /expected 8 bytes at 0 of "a", found 3/],
])('%s is refused', (_, tensor, message) => {
  const call = () => tensorToArray(tensor, { readExternal: () => new Uint8Array(3) })
  expect(call).toThrow(OnnxFormatError)
  expect(call).toThrow(message)
  expect(call).toThrow('TensorProto "w"')
})

test('external data without a reader is refused with what to do', () => {
  expect(() => tensorToArray(externally(['location', 'a.bin']))).toThrow(/"a.bin"; pass readExternal/)
})

test('an array of another length or type than announced is refused', () => {
  expect(() => arrayToTensor({ dtype: 'float32', shape: [3], data: new Float32Array(2) }, 'w')).toThrow(
    /needs 3 elements, found 2/,
  )
  expect(() =>
    arrayToTensor({ dtype: 'float32', shape: [2], data: new Int32Array(2) as unknown as Float32Array }),
  ).toThrow(/Int32Array/)
  expect(() => arrayToTensor({ dtype: 'string', shape: [1], data: ['\udc00'] })).toThrow(/surrogate/)
})
