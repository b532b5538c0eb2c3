import { deflateRawSync, gzipSync } from 'node:zlib'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { ArchiveCorruptError, ArchiveTruncatedError, CheckpointError, CheckpointLimitError } from './errors.js'
import { gunzip, inflate, isGzip } from './inflate.js'
import { randomAccessOf } from './randomAccess.js'
import { concat } from './zipWriter.js'

const source = (bytes: Uint8Array) => randomAccessOf(bytes, 'test.gz')
const MEGABYTE = 2 ** 20

/** Bytes that hardly compress, so that zlib stores some blocks. */
function noise(length: number): Uint8Array {
  const bytes = new Uint8Array(length)
  for (let i = 0, state = 1; i < length; i++) {
    state = (Math.imul(state, 1103515245) + 12345) >>> 0
    bytes[i] = state >> 16
  }
  return bytes
}

test('what zlib compressed is decompressed', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 2000 }), fc.constantFrom(0, 1, 6, 9), (bytes, level) => {
      expect(gunzip(source(gzipSync(bytes, { level })), MEGABYTE)).toEqual(bytes)
      expect(inflate(deflateRawSync(bytes, { level }), bytes.length, 'test')).toEqual(bytes)
    }),
    { seed: 1 },
  )
})

test('data larger than a step is decompressed, compressible or not', () => {
  for (const bytes of [noise(700_000), new Uint8Array(3_000_000), concat([noise(200_000), new Uint8Array(200_000)])]) {
    expect(Buffer.compare(gunzip(source(gzipSync(bytes)), 2 ** 24), bytes)).toBe(0)
  }
})

test('a header with name, comment, extra field and checksum is skipped', () => {
  const plain = gzipSync('contents')
  const header = new Uint8Array(plain.subarray(0, 10))
  header[3] = 2 + 4 + 8 + 16
  const extra = Uint8Array.of(3, 0, 1, 2, 3)
  const names = new TextEncoder().encode('name\0comment\0')
  const bytes = concat([header, extra, names, Uint8Array.of(0, 0), new Uint8Array(plain.subarray(10))])
  expect(isGzip(source(bytes))).toBe(true)
  expect(new TextDecoder().decode(gunzip(source(bytes), 100))).toBe('contents')
})

test('a file that expands beyond the limit is refused', () => {
  const bomb = gzipSync(new Uint8Array(2_000_000))
  expect(bomb.length).toBeLessThan(3000)
  expect(() => gunzip(source(bomb), MEGABYTE)).toThrow(CheckpointLimitError)
  // The declared size may lie; the real one counts.
  const lie = new Uint8Array(bomb)
  lie.fill(0, lie.length - 4)
  expect(() => gunzip(source(lie), MEGABYTE)).toThrow(CheckpointLimitError)
})

test('every truncation is refused, and those within the data are called so', () => {
  const whole = new Uint8Array(gzipSync(noise(300)))
  for (let length = 0; length < whole.length; length++) {
    expect(() => gunzip(source(whole.subarray(0, length)), MEGABYTE)).toThrow(CheckpointError)
  }
  expect(() => gunzip(source(whole.subarray(0, 150)), MEGABYTE)).toThrow(ArchiveTruncatedError)
})

test('a wrong checksum, trailing data and a second member are refused', () => {
  const whole = new Uint8Array(gzipSync(noise(3000)))
  const damaged = whole.slice()
  damaged[damaged.length - 6]! ^= 1
  expect(() => gunzip(source(damaged), MEGABYTE)).toThrow(ArchiveCorruptError)
  expect(() => gunzip(source(concat([whole, new Uint8Array(500_000)])), MEGABYTE)).toThrow(ArchiveCorruptError)
  const second = new Uint8Array(gzipSync('second'))
  expect(() => gunzip(source(concat([whole, second])), MEGABYTE)).toThrow(ArchiveCorruptError)
})

test('a member that cannot hold its declared size is refused before memory is taken', () => {
  const compressed = deflateRawSync(new Uint8Array(100))
  expect(() => inflate(compressed, 2 ** 40, 'test')).toThrow(ArchiveCorruptError)
  expect(() => inflate(compressed, 101, 'test')).toThrow(ArchiveCorruptError)
  expect(() => inflate(compressed.subarray(0, 2), 100, 'test')).toThrow(ArchiveTruncatedError)
})
