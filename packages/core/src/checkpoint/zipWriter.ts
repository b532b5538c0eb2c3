import { crc32 } from './crc32.js'

/** A member to be written to a ZIP archive, uncompressed. */
export interface ZipMember {
  readonly name: string
  readonly contents: Uint8Array
}

/** Largest value of a 32-bit field; that value itself announces a zip64 field. */
const MAX_32 = 0xffffffff
const MAX_16 = 0xffff
const UTF8_NAMES = 0x0800
const VERSION = 20
const VERSION_ZIP64 = 45
/** Id of the field that PyTorch fills the gap before aligned data with: the letters FB. */
const PADDING_FIELD = 0x4246
const ZIP64_FIELD = 1

const encoder = new TextEncoder()

/**
 * A ZIP archive of stored members, in parts; the contents are passed on without a copy. Member data begin at multiples of
 * `alignment`, times are zero, so equal contents give equal bytes. Sizes beyond 4 GiB use zip64.
 *
 * @param options.alignment - Bytes. PyTorch maps storages into memory from multiples of 64.
 * @param options.zip64From - Size or position from which zip64 fields are used. Default 4 GiB - 1; smaller values serve tests.
 *
 * Source: APPNOTE 6.3; PyTorch's PyTorchStreamWriter.
 */
export function zipChunks(
  members: readonly ZipMember[],
  options: { readonly alignment: number; readonly zip64From?: number },
): Uint8Array[] {
  const zip64From = options.zip64From ?? MAX_32
  const parts: Uint8Array[] = []
  const directory: Uint8Array[] = []
  let offset = 0
  const emit = (bytes: Uint8Array): void => {
    parts.push(bytes)
    offset += bytes.length
  }
  for (const { name, contents } of members) {
    const record = { name: encoder.encode(name), crc: crc32(contents), size: contents.length, offset }
    const large = record.size >= zip64From
    const zip64 = large ? zip64Field([record.size, record.size]) : new Uint8Array(0)
    const unpadded = offset + 30 + record.name.length + zip64.length + 4
    const gap = (options.alignment - (unpadded % options.alignment)) % options.alignment
    const extra = concat([zip64, field(PADDING_FIELD, new Uint8Array(gap).fill(0x5a))])
    emit(concat([fields(localHeader({ ...record, extra: extra.length, large })), record.name, extra]))
    emit(contents)
    directory.push(centralRecord(record, zip64From))
  }
  const start = offset
  for (const record of directory) emit(record)
  const size = offset - start
  if (start >= zip64From || size >= zip64From || members.length >= Math.min(MAX_16, zip64From)) {
    const end = offset
    emit(
      fields([
        [4, 0x06064b50],
        [8, 44],
        [2, VERSION_ZIP64],
        [2, VERSION_ZIP64],
        [4, 0],
        [4, 0],
        [8, members.length],
        [8, members.length],
        [8, size],
        [8, start],
      ]),
    )
    emit(
      fields([
        [4, 0x07064b50],
        [4, 0],
        [8, end],
        [4, 1],
      ]),
    )
  }
  emit(
    fields([
      [4, 0x06054b50],
      [2, 0],
      [2, 0],
      [2, Math.min(members.length, MAX_16)],
      [2, Math.min(members.length, MAX_16)],
      [4, size >= zip64From ? MAX_32 : size],
      [4, start >= zip64From ? MAX_32 : start],
      [2, 0],
    ]),
  )
  return parts
}

interface ZipRecord {
  readonly name: Uint8Array
  readonly crc: number
  readonly size: number
  readonly offset: number
}

type Field = readonly [bytes: 2 | 4 | 8, value: number]

function localHeader({ name, crc, size, extra, large }: ZipRecord & { extra: number; large: boolean }): Field[] {
  return [
    [4, 0x04034b50],
    [2, large ? VERSION_ZIP64 : VERSION],
    [2, UTF8_NAMES],
    [2, 0], // stored
    [2, 0], // time
    [2, 0], // date
    [4, crc],
    [4, large ? MAX_32 : size],
    [4, large ? MAX_32 : size],
    [2, name.length],
    [2, extra],
  ]
}

function centralRecord({ name, crc, size, offset }: ZipRecord, zip64From: number): Uint8Array {
  const large = size >= zip64From
  const far = offset >= zip64From
  const values = [...(large ? [size, size] : []), ...(far ? [offset] : [])]
  const extra = values.length > 0 ? zip64Field(values) : new Uint8Array(0)
  const version = values.length > 0 ? VERSION_ZIP64 : VERSION
  return concat([
    fields([
      [4, 0x02014b50],
      [2, version],
      [2, version],
      [2, UTF8_NAMES],
      [2, 0],
      [2, 0],
      [2, 0],
      [4, crc],
      [4, large ? MAX_32 : size],
      [4, large ? MAX_32 : size],
      [2, name.length],
      [2, extra.length],
      [2, 0],
      [2, 0],
      [2, 0],
      [4, 0],
      [4, far ? MAX_32 : offset],
    ]),
    name,
    extra,
  ])
}

function zip64Field(values: readonly number[]): Uint8Array {
  return field(ZIP64_FIELD, fields(values.map((value) => [8, value])))
}

function field(id: number, data: Uint8Array): Uint8Array {
  return concat([
    fields([
      [2, id],
      [2, data.length],
    ]),
    data,
  ])
}

function fields(list: readonly Field[]): Uint8Array {
  const view = new DataView(new ArrayBuffer(list.reduce((sum, [bytes]) => sum + bytes, 0)))
  let at = 0
  for (const [bytes, value] of list) {
    if (bytes === 2) view.setUint16(at, value, true)
    else if (bytes === 4) view.setUint32(at, value, true)
    else view.setBigUint64(at, BigInt(value), true)
    at += bytes
  }
  return new Uint8Array(view.buffer)
}

/** Joins byte arrays. */
export function concat(parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const joined = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0))
  let at = 0
  for (const part of parts) {
    joined.set(part, at)
    at += part.length
  }
  return joined
}
