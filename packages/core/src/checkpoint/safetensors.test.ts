import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, expect, test } from 'vitest'
import { describeValue, fixture, fixtureJson, fixturePath } from '../../test/checkpoint/describeValue.js'
import {
  ArchiveTruncatedError,
  CheckpointContentError,
  CheckpointFormatError,
  CheckpointLimitError,
  TensorDataError,
} from './errors.js'
import { readSafetensors, readSafetensorsFile, writeSafetensors, writeSafetensorsFile } from './safetensors.js'
import { allocateData, dtypeNames, elementBytes, type TensorData } from './tensorData.js'
import { concat } from './zipWriter.js'

const folder = mkdtempSync(join(tmpdir(), 'nemo-safetensors-'))
afterAll(() => rmSync(folder, { recursive: true }))

const text = (contents: string) => new TextEncoder().encode(contents)

/** A file with the given header, as text or as value, and bytes after it. */
function file(header: unknown, data: Uint8Array = new Uint8Array(0), length?: bigint): Uint8Array {
  const json = text(typeof header === 'string' ? header : JSON.stringify(header))
  const prefix = new DataView(new ArrayBuffer(8))
  prefix.setBigUint64(0, length ?? BigInt(json.length), true)
  return concat([new Uint8Array(prefix.buffer), json, data])
}

const entry = (start: number, end: number, shape = [(end - start) / 4], dtype = 'F32') => ({
  dtype,
  shape,
  data_offsets: [start, end],
})

test('what the safetensors library wrote is read', async () => {
  const expected = new Map((fixtureJson('reference.safetensors.json') as { dict: [string, unknown][] }).dict)
  const { tensors, metadata } = readSafetensors(fixture('reference.safetensors'))
  expect(new Map(Array.from(tensors, ([name, tensor]) => [name, describeValue(tensor)]))).toEqual(expected)
  expect(metadata).toEqual(
    new Map([
      ['by', 'safetensors'],
      ['format', 'pt'],
    ]),
  )
  expect(await readSafetensorsFile(fixturePath('reference.safetensors'))).toEqual({ tensors, metadata })
})

test('what is written is read in the same order, with aligned elements', () => {
  const tensor = fc
    .record({
      dtype: fc.constantFrom(...dtypeNames),
      shape: fc.array(fc.nat(4), { maxLength: 3 }),
      fill: fc.nat(255),
    })
    .map(({ dtype, shape, fill }): TensorData => {
      const data = allocateData(
        dtype,
        shape.reduce((product, dim) => product * dim, 1),
      )
      new Uint8Array(data.buffer).fill(fill)
      return { dtype, shape, data }
    })
  // Names that are array indices would be sorted first: JavaScript keeps no order for them.
  const name = fc.string({ unit: 'grapheme' }).filter((text) => !/^\d+$/.test(text) && text !== '__metadata__')
  const entries = fc.uniqueArray(fc.tuple(name, tensor), { selector: ([key]) => key })
  const metadata = fc.uniqueArray(fc.tuple(name, fc.string({ unit: 'grapheme' })), { selector: ([key]) => key })
  fc.assert(
    fc.property(entries, metadata, (list, notes) => {
      const bytes = writeSafetensors(new Map(list), new Map(notes))
      const read = readSafetensors(bytes)
      expect([...read.tensors]).toEqual(list)
      expect([...read.metadata]).toEqual(notes)
      const length = Number(new DataView(bytes.buffer).getBigUint64(0, true))
      expect(length % 8).toBe(0)
      const header = JSON.parse(new TextDecoder().decode(bytes.subarray(8, 8 + length)))
      for (const [key, { dtype }] of list) expect(header[key].data_offsets[0] % elementBytes(dtype)).toBe(0)
    }),
    { seed: 1 },
  )
})

test('a file is written whole, with the bytes that writeSafetensors gives', async () => {
  const { tensors, metadata } = readSafetensors(fixture('reference.safetensors'))
  const path = join(folder, 'a.safetensors')
  await writeSafetensorsFile(path, tensors, metadata)
  expect(new Uint8Array(readFileSync(path))).toEqual(writeSafetensors(tensors, metadata))
})

const eight = new Uint8Array(8)

test.each([
  ['no JSON', file('{', eight), CheckpointFormatError],
  ['no object', file('[]'), CheckpointFormatError],
  ['space before the header', file(' {}'), CheckpointFormatError],
  ['no UTF-8', concat([file('', new Uint8Array(0), 1n), Uint8Array.of(0xff)]), CheckpointFormatError],
  ['an entry that is no object', file({ a: 1 }), CheckpointFormatError],
  ['metadata that is no text', file({ __metadata__: { a: 1 } }), CheckpointFormatError],
  [
    'a shape that is no list',
    file({ a: { dtype: 'F32', shape: 2, data_offsets: [0, 8] } }, eight),
    CheckpointFormatError,
  ],
  ['a negative dim', file({ a: entry(0, 8, [-2]) }, eight), CheckpointFormatError],
  ['a fractional dim', file({ a: entry(0, 8, [0.5]) }, eight), CheckpointFormatError],
  ['offsets in reverse', file({ a: entry(8, 0, []) }, eight), CheckpointFormatError],
  ['three offsets', file({ a: { dtype: 'F32', shape: [2], data_offsets: [0, 8, 8] } }, eight), CheckpointFormatError],
  ['an unknown dtype', file({ a: entry(0, 8, [8], 'F8_E5M2') }, eight), TensorDataError],
  ['a dtype named like a property', file({ a: entry(0, 8, [8], 'constructor') }, eight), TensorDataError],
  ['a shape of other size', file({ a: entry(0, 8, [3]) }, eight), TensorDataError],
  ['a shape beyond 2^53', file({ a: entry(0, 8, [2 ** 40, 2 ** 40]) }, eight), TensorDataError],
  ['an overlap', file({ a: entry(0, 8), b: entry(4, 8) }, eight), TensorDataError],
  ['the same bytes twice', file({ a: entry(0, 8), b: entry(0, 8) }, eight), TensorDataError],
  ['a hole', file({ a: entry(4, 8) }, eight), TensorDataError],
  [
    'a name that occurs twice',
    file(`{"a":${JSON.stringify(entry(0, 4))},"a":${JSON.stringify(entry(4, 8))}}`, eight),
    TensorDataError,
  ],
  ['bytes of no tensor', file({ a: entry(0, 4) }, eight), TensorDataError],
  ['an end beyond the file', file({ a: entry(0, 12) }, eight), ArchiveTruncatedError],
  ['a header beyond the file', file('{}', eight, 1000n), ArchiveTruncatedError],
  ['a huge header', file('{}', eight, 2n ** 63n), CheckpointLimitError],
  ['nothing', new Uint8Array(0), ArchiveTruncatedError],
])('a file with %s is refused', (_, bytes, error) => {
  expect(() => readSafetensors(bytes)).toThrow(error)
})

test('tensors that cannot be written are refused', () => {
  const data = new Float32Array(2)
  const tensor = { dtype: 'float32', shape: [2], data } as const
  expect(() => writeSafetensors(new Map([['__metadata__', tensor]]))).toThrow(CheckpointContentError)
  expect(() => writeSafetensors(new Map([['a', { ...tensor, shape: [3] }]]))).toThrow(TensorDataError)
})
