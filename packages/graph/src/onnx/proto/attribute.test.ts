import fc from 'fast-check'
import { expect, test } from 'vitest'
import { type AttributeKind, type AttributeValues, attributeValue, makeAttribute } from './attribute.js'
import { AttributeType, type GraphProto } from './model.js'

const graph: GraphProto = { node: [], initializer: [], input: [], output: [] }
const tensor = { dims: [1], dataType: 1, floatData: Float32Array.of(2) }
const sparse = { values: tensor, indices: tensor, dims: [4] }
const values: AttributeValues = {
  FLOAT: 0.5,
  INT: -7,
  STRING: 'naïve ☃',
  TENSOR: tensor,
  GRAPH: graph,
  FLOATS: [1, 2],
  INTS: [],
  STRINGS: ['', 'b'],
  TENSORS: [tensor],
  GRAPHS: [graph],
  SPARSE_TENSOR: sparse,
  SPARSE_TENSORS: [sparse],
  TYPE_PROTO: { tensorType: { elemType: 1 } },
  TYPE_PROTOS: [{}],
}

test.each(Object.keys(values) as AttributeKind[])('a %s attribute gives its value back', (kind) => {
  const attribute = makeAttribute('a', kind, values[kind])
  expect(attribute.type).toBe(AttributeType[kind])
  expect(attributeValue(attribute)).toEqual({ kind, value: values[kind] })
})

test('an attribute without a type, as in IR version 1, is read by the field that is present', () => {
  fc.assert(
    fc.property(fc.constantFrom(...(Object.keys(values) as AttributeKind[])), (kind) => {
      const attribute = { ...makeAttribute('a', kind, values[kind]), type: AttributeType.UNDEFINED }
      expect(attributeValue(attribute)).toEqual({ kind, value: values[kind] })
    }),
    { seed: 1, numRuns: 40 },
  )
})

test('numbers, strings and lists that are left out read as zero and empty', () => {
  expect(attributeValue({ name: 'a', type: AttributeType.INT })).toEqual({ kind: 'INT', value: 0 })
  expect(attributeValue({ name: 'a', type: AttributeType.FLOAT })).toEqual({ kind: 'FLOAT', value: 0 })
  expect(attributeValue({ name: 'a', type: AttributeType.STRING })).toEqual({ kind: 'STRING', value: '' })
  expect(attributeValue({ name: 'a', type: AttributeType.GRAPHS })).toEqual({ kind: 'GRAPHS', value: [] })
})

test('an attribute without a value is refused with its name', () => {
  expect(() => attributeValue({ name: 'a', type: AttributeType.TENSOR })).toThrow(
    'AttributeProto "a": expected a TENSOR in t',
  )
  expect(() => attributeValue({ name: 'a', type: AttributeType.UNDEFINED })).toThrow('expected a value, found none')
  expect(() => attributeValue({ name: 'a', type: AttributeType.INT, refAttrName: 'b' })).toThrow('"b" of the function')
})

test('a string attribute that is not UTF-8 is refused', () => {
  const attribute = { name: 'a', type: AttributeType.STRING, s: Uint8Array.of(0xff) }
  expect(() => attributeValue(attribute)).toThrow(/expected UTF-8 text, found 1 other bytes.*NEMO_ONNX_FORMAT/)
})
