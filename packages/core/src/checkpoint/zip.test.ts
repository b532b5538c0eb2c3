import { deflateRawSync } from 'node:zlib'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { crc32 } from './crc32.js'
import {
  ArchiveCorruptError,
  ArchiveDuplicateError,
  ArchiveTruncatedError,
  CheckpointFormatError,
  CheckpointLimitError,
} from './errors.js'
import { type RandomAccess, randomAccessOf } from './randomAccess.js'
import { readZip } from './zipReader.js'
import { concat, type ZipMember, zipChunks } from './zipWriter.js'

const text = (contents: string) => new TextEncoder().encode(contents)

function write(members: readonly ZipMember[], options: { alignment?: number; zip64From?: number } = {}): Uint8Array {
  return concat(zipChunks(members, { alignment: 64, ...options }))
}

function read(bytes: Uint8Array, limits = {}): [string, Uint8Array][] {
  return Array.from(readZip(randomAccessOf(bytes, 'test.zip'), limits).values(), (entry) => [entry.name, entry.read()])
}

const members = fc.uniqueArray(
  fc.record({ name: fc.string({ minLength: 1, unit: 'grapheme' }), contents: fc.uint8Array({ maxLength: 300 }) }),
  { selector: ({ name }) => name, maxLength: 6 },
)

test('what is written is read, with and without zip64', () => {
  fc.assert(
    fc.property(members, fc.constantFrom(undefined, 1, 100, 400), (list, zip64From) => {
      const bytes = write(list, zip64From === undefined ? {} : { zip64From })
      expect(read(bytes)).toEqual(list.map(({ name, contents }) => [name, contents]))
    }),
    { seed: 1 },
  )
})

/** One member of the given fields; the local header's are the same unless `local` says otherwise. */
function archive(fields: {
  name?: string
  method?: number
  flags?: number
  data?: Uint8Array
  size?: number
  crc?: number
  copies?: number
  offset?: number
  comment?: string
}): Uint8Array {
  const { name = 'a', method = 0, flags = 0, data = text('hello'), size = data.length, copies = 1, offset = 0 } = fields
  const crc = fields.crc ?? crc32(data)
  const comment = text(fields.comment ?? '')
  const view = (length: number, values: readonly [number, number, number][]) => {
    const bytes = new DataView(new ArrayBuffer(length))
    for (const [at, width, value] of values) {
      if (width === 2) bytes.setUint16(at, value, true)
      else bytes.setUint32(at, value, true)
    }
    return new Uint8Array(bytes.buffer)
  }
  const local = view(30, [
    [0, 4, 0x04034b50],
    [26, 2, name.length],
  ])
  const central = view(46, [
    [0, 4, 0x02014b50],
    [8, 2, flags],
    [10, 2, method],
    [16, 4, crc],
    [20, 4, data.length],
    [24, 4, size],
    [28, 2, name.length],
    [42, 4, offset],
  ])
  const head = concat([local, text(name), data])
  const directory = concat(Array.from({ length: copies }, () => concat([central, text(name)])))
  const end = view(22, [
    [0, 4, 0x06054b50],
    [8, 2, copies],
    [10, 2, copies],
    [12, 4, directory.length],
    [16, 4, head.length],
    [20, 2, comment.length],
  ])
  return concat([head, directory, end, comment])
}

test('a stored member, and an archive with a comment, are read', () => {
  expect(read(archive({}))).toEqual([['a', text('hello')]])
  expect(read(archive({ comment: 'a comment' }))).toEqual([['a', text('hello')]])
})

test('a deflated member is read', () => {
  const contents = text('hello '.repeat(100))
  const fields = {
    method: 8,
    data: new Uint8Array(deflateRawSync(contents)),
    size: contents.length,
    crc: crc32(contents),
  }
  expect(read(archive(fields))).toEqual([['a', contents]])
  expect(() => read(archive(fields), { maxInflatedBytes: 599 })).toThrow(CheckpointLimitError)
})

test('checksums are checked unless the archive has none, as PyTorch can be told to write', () => {
  expect(read(archive({ crc: 0 }))).toEqual([['a', text('hello')]])
  expect(() => read(archive({ crc: 1 }))).toThrow(ArchiveCorruptError)
})

test.each([
  ['an encrypted member', { flags: 1 }, CheckpointFormatError],
  ['an unknown compression', { method: 12 }, CheckpointFormatError],
  ['a stored member of two sizes', { size: 6 }, ArchiveCorruptError],
  ['a header elsewhere', { offset: 1 }, ArchiveCorruptError],
  ['two members of one name', { copies: 2 }, ArchiveDuplicateError],
  ['a bomb', { method: 8, size: 2 ** 32 - 2 }, ArchiveCorruptError],
] as const)('%s is refused', (_, fields, error) => {
  expect(() => read(archive(fields))).toThrow(error)
})

test('members that share their bytes are refused', () => {
  // The zip bomb of overlapping files: a second directory entry for the same data.
  const bytes = archive({ copies: 2 })
  const second = Buffer.from(bytes).lastIndexOf('a')
  bytes[second] = 'b'.charCodeAt(0)
  expect(() => read(bytes)).toThrow('overlap')
})

test('more members than allowed are refused', () => {
  const list = Array.from({ length: 5 }, (_, i) => ({ name: `${i}`, contents: text('x') }))
  expect(read(write(list), { maxEntries: 5 })).toHaveLength(5)
  expect(() => read(write(list), { maxEntries: 4 })).toThrow(CheckpointLimitError)
})

test('an archive that is cut short is called so', () => {
  const bytes = write([{ name: 'a', contents: new Uint8Array(1000) }])
  for (let length = 4; length < bytes.length; length += 7) {
    expect(() => read(bytes.subarray(0, length))).toThrow(ArchiveTruncatedError)
  }
})

test('members beyond 4 GiB are found through zip64', () => {
  const gap = 5 * 2 ** 30
  const bytes = write(
    [
      { name: 'near', contents: text('near') },
      { name: 'far', contents: text('far') },
    ],
    { zip64From: 1 },
  )
  // A gap of zeros goes before the second member, and the three positions behind it move along.
  const view = new DataView(bytes.buffer)
  const end = bytes.length - 22 - 20 - 56
  const move = (at: number) => view.setBigUint64(at, view.getBigUint64(at, true) + BigInt(gap), true)
  const split = Number(view.getBigUint64(end - 8, true))
  move(end - 8) // local header of the last directory entry
  move(end + 48) // directory
  move(end + 56 + 8) // zip64 end record
  const source: RandomAccess = {
    name: 'large.zip',
    byteLength: bytes.length + gap,
    read(start, to) {
      if (to <= split) return bytes.subarray(start, to)
      const zeros = Math.max(0, split + gap - start)
      return concat([new Uint8Array(zeros), bytes.subarray(start + zeros - gap, to - gap)])
    },
  }
  const entries = readZip(source)
  expect(entries.get('near')!.read()).toEqual(text('near'))
  expect(entries.get('far')!.read()).toEqual(text('far'))
})
