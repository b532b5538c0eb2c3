import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { decodeModel } from './decode.js'
import { encodeModel } from './encode.js'
import { AttributeType, TensorDataLocation } from './model.js'
import { fieldsInOrder, type MessageName, type NamedField } from './schema.js'

// Made by tools/reference/onnxFixtures.py with the onnx package; NAME.json is the same message in protobuf's JSON form.
const folder = new URL('../../../test/fixtures/onnx/', import.meta.url)
const names = ['attributes', 'subgraphs', 'dtypes', 'functions', 'external'] as const
const bytesOf = (name: string) => new Uint8Array(readFileSync(new URL(`${name}.onnx`, folder)))
const jsonOf = (name: string): unknown => JSON.parse(readFileSync(new URL(`${name}.json`, folder), 'utf8'))

const enumNames: Record<string, readonly string[]> = {
  type: Object.keys(AttributeType),
  dataLocation: Object.keys(TensorDataLocation),
}

function number32(value: number): number | string {
  if (Number.isNaN(value)) return 'NaN'
  if (!Number.isFinite(value)) return value > 0 ? 'Infinity' : '-Infinity'
  return value
}

// protobuf's JSON form of a decoded value: 64-bit integers as text, bytes as base64, enums by name.
function jsonValue(field: NamedField, value: unknown): unknown {
  switch (field.kind) {
    case 'message':
      return jsonForm(field.message!, value as Record<string, unknown>)
    case 'int64':
      return String(value)
    case 'bytes':
      return Buffer.from(value as Uint8Array).toString('base64')
    case 'enum':
      return enumNames[field.key]![value as number]
    case 'float':
      return number32(value as number)
    case 'floatArray':
    case 'doubleArray':
      return [...(value as Float32Array)].map(number32)
    case 'int32Array':
      return [...(value as Int32Array)]
    case 'int64Array':
    case 'uint64Array':
      return [...(value as BigInt64Array)].map(String)
    default:
      return value
  }
}

function jsonForm(name: MessageName, message: Record<string, unknown>): Record<string, unknown> {
  const form: Record<string, unknown> = {}
  for (const field of fieldsInOrder(name)) {
    const value = message[field.key]
    if (value === undefined) continue
    if (!field.repeated) form[field.key] = jsonValue(field, value)
    else if ((value as unknown[]).length > 0) form[field.key] = (value as unknown[]).map((v) => jsonValue(field, v))
  }
  return form
}

// JSON prints floats in their shortest form, so both sides are rounded to 32 bits.
function rounded(form: unknown): unknown {
  if (typeof form === 'number') return Math.fround(form)
  if (Array.isArray(form)) return form.map(rounded)
  if (typeof form !== 'object' || form === null) return form
  return Object.fromEntries(
    Object.entries(form).map(([key, value]) => [key, key === 'doubleData' ? value : rounded(value)]),
  )
}

describe.each(names)('%s.onnx of the onnx package', (name) => {
  test('reads as the message that protobuf prints', () => {
    const model = decodeModel(bytesOf(name))
    expect(rounded(jsonForm('ModelProto', { ...model }))).toEqual(rounded(jsonOf(name)))
  })

  test('is written again byte for byte', () => {
    const bytes = bytesOf(name)
    expect(Buffer.compare(encodeModel(decodeModel(bytes)), bytes)).toBe(0)
  })
})

test('raw tensor bytes are views of the file', () => {
  const bytes = bytesOf('dtypes')
  const raw = decodeModel(bytes).graph.initializer.find((tensor) => tensor.name === 'float32_raw')!.rawData!
  expect(raw.buffer).toBe(bytes.buffer)
})
