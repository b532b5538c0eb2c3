import fc from 'fast-check'
import { expect, test } from 'vitest'
import {
  ArchiveCorruptError,
  ArchiveDuplicateError,
  ArchiveEntryTypeError,
  ArchivePathError,
  ArchiveTruncatedError,
  CheckpointLimitError,
} from './errors.js'
import { type RandomAccess, randomAccessOf } from './randomAccess.js'
import { isTar, readTar } from './tarReader.js'
import { type TarMember, tarChunks } from './tarWriter.js'
import { concat } from './zipWriter.js'

const text = (contents: string) => new TextEncoder().encode(contents)
const write = (members: readonly TarMember[]) => concat([...tarChunks(members)])
const source = (bytes: Uint8Array) => randomAccessOf(bytes, 'test.tar')

function read(bytes: Uint8Array, limits = {}): [string, Uint8Array][] {
  return Array.from(readTar(source(bytes), limits), ([name, file]) => [name, file.read(0, file.byteLength)])
}

/** A header block whose fields may be anything, with a right checksum. */
function header(name: string, type: string, size = '00000000000', magic = 'ustar\x0000'): Uint8Array {
  const block = new Uint8Array(512)
  block.set(text(name), 0)
  block.set(text(size), 124)
  block.set(text(' '.repeat(8)), 148)
  block.set(text(type), 156)
  block.set(text(magic), 257)
  const sum = block.reduce((total, byte) => total + byte, 0)
  block.set(text(`${sum.toString(8).padStart(6, '0')}\0 `), 148)
  return block
}

const END = new Uint8Array(1024)
const file = (contents: string) => {
  const block = new Uint8Array(512)
  block.set(text(contents))
  return block
}
const octal = (size: number) => size.toString(8).padStart(11, '0')

const names = fc
  .array(fc.stringMatching(/^[a-zäß€😀_.]{1,60}$/u), { minLength: 1, maxLength: 4 })
  .map((parts) => parts.map((part) => (/^\.+$/.test(part) ? 'dots' : part)).join('/'))

test('what is written is read, with long names and names beyond ASCII', () => {
  fc.assert(
    fc.property(
      fc.uniqueArray(fc.record({ name: names, contents: fc.uint8Array({ maxLength: 1200 }) }), {
        selector: (m) => m.name,
      }),
      (members) => {
        const bytes = write(members.map(({ name, contents }) => ({ name: `./${name}`, contents: [contents] })))
        expect(bytes.length % 10240).toBe(0)
        expect(read(bytes)).toEqual(members.map(({ name, contents }) => [name, contents]))
      },
    ),
    { seed: 1 },
  )
})

test('folders are skipped and contents in parts are joined', () => {
  const bytes = write([{ name: './' }, { name: './sub/' }, { name: './sub/a', contents: [text('one '), text('two')] }])
  expect(isTar(source(bytes))).toBe(true)
  expect(read(bytes)).toEqual([['sub/a', text('one two')]])
})

test('names with and without ./ are the same name', () => {
  const bytes = concat([header('a', '0'), header('.//./b', '0'), END])
  expect(read(bytes).map(([name]) => name)).toEqual(['a', 'b'])
  expect(() => read(concat([header('a', '0'), header('./a', '0'), END]))).toThrow(ArchiveDuplicateError)
})

test('GNU long names, prefixes and sizes beyond eleven digits are read', () => {
  const long = `dir/${'n'.repeat(200)}`
  const gnu = concat([
    header('././@LongLink', 'L', octal(long.length + 1), 'ustar  \0'),
    file(`${long}\0`),
    header('short', '0'),
    END,
  ])
  expect(read(gnu)).toEqual([[long, new Uint8Array(0)]])
  const prefixed = header('name', '0')
  prefixed.set(text('some/prefix'), 345)
  prefixed.set(text(' '.repeat(8)), 148)
  const sum = prefixed.reduce((total, byte) => total + byte, 0)
  prefixed.set(text(`${sum.toString(8).padStart(6, '0')}\0 `), 148)
  expect(read(concat([prefixed, END]))[0]![0]).toBe('some/prefix/name')
})

test('a member of 9 GiB, whose size is a binary number, is found without being read', () => {
  const size = 9 * 2 ** 30
  const block = header('large', '0')
  block.fill(0, 124, 136)
  block[124] = 0x80
  new DataView(block.buffer).setBigUint64(128, BigInt(size))
  block.set(text(' '.repeat(8)), 148)
  const sum = block.reduce((total, byte) => total + byte, 0)
  block.set(text(`${sum.toString(8).padStart(6, '0')}\0 `), 148)
  const second = header('small', '0')
  const virtual: RandomAccess = {
    name: 'large.tar',
    byteLength: 512 + size + 512 + 1024,
    read: (start) => (start === 0 ? block : start === 512 + size ? second : new Uint8Array(512)),
  }
  expect(Array.from(readTar(virtual), ([name, { byteLength }]) => [name, byteLength])).toEqual([
    ['large', size],
    ['small', 0],
  ])
})

test.each([
  ['/etc/passwd'],
  ['../outside'],
  ['a/../../outside'],
  ['./..'],
  ['a\\..\\b'],
  ['C:/Windows/x'],
  ['line\nbreak'],
  ['bell\x07'],
])('the name %j is refused', (name) => {
  expect(() => read(concat([header(name, '0'), END]))).toThrow(ArchivePathError)
  const long = concat([header('x', 'L', octal(name.length + 1)), file(`${name}\0`), header('short', '0'), END])
  expect(() => read(long)).toThrow(ArchivePathError)
  expect(() => read(write([{ name }]))).toThrow(ArchivePathError)
})

test.each([
  ['hard link', '1'],
  ['symbolic link', '2'],
  ['character device', '3'],
  ['block device', '4'],
  ['named pipe', '6'],
  ['sparse file', 'S'],
  ['unknown type', 'Z'],
])('a %s is refused', (what, type) => {
  expect(() => read(concat([header('a', type), END]))).toThrow(ArchiveEntryTypeError)
  expect(() => read(concat([header('a', type), END]))).toThrow(what)
})

test('sparse files of the pax format are refused', () => {
  const record = '22 GNU.sparse.major=1\n'
  expect(record.length).toBe(22)
  const bytes = concat([header('x', 'x', octal(22)), file(record), header('a', '0'), END])
  expect(() => read(bytes)).toThrow(ArchiveEntryTypeError)
})

test.each([
  ['length', '99 path=a\n'],
  ['no length', 'path=a\n'],
  ['zero length', '0 path=a\n'],
  ['no equals sign', '8 patha\n'],
])('a pax header with wrong %s is refused', (_, record) => {
  const bytes = concat([header('x', 'x', octal(record.length)), file(record), header('a', '0'), END])
  expect(() => read(bytes)).toThrow(ArchiveCorruptError)
})

test('damaged headers, wrong sizes and excessive headers are refused', () => {
  const damaged = header('a', '0')
  damaged[0]! ^= 1
  expect(() => read(concat([damaged, END]))).toThrow(ArchiveCorruptError)
  expect(() => read(concat([header('a', '0', '0000000000x'), END]))).toThrow(ArchiveCorruptError)
  expect(() => read(concat([header('a', '0', octal(5000)), END]))).toThrow(ArchiveTruncatedError)
  const huge = concat([header('a', 'L', octal(2 ** 21)), new Uint8Array(2 ** 21), END])
  expect(() => read(huge)).toThrow(CheckpointLimitError)
})

test('more members than allowed are refused', () => {
  const bytes = write(Array.from({ length: 5 }, (_, i) => ({ name: `${i}` })))
  expect(read(bytes, { maxEntries: 5 })).toHaveLength(5)
  expect(() => read(bytes, { maxEntries: 4 })).toThrow(CheckpointLimitError)
})

test('an archive that is cut short anywhere before its end is called so', () => {
  const bytes = write([{ name: 'a', contents: [new Uint8Array(1000).fill(1)] }])
  for (let length = 1; length < 512 + 1024 + 512; length += 13) {
    expect(() => read(bytes.subarray(0, length))).toThrow(ArchiveTruncatedError)
  }
})
