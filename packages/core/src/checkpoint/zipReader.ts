import { crc32 } from './crc32.js'
import {
  ArchiveCorruptError,
  ArchiveDuplicateError,
  ArchiveTruncatedError,
  CheckpointFormatError,
  CheckpointLimitError,
} from './errors.js'
import { inflate } from './inflate.js'
import { type CheckpointLimits, completeLimits } from './limits.js'
import type { RandomAccess } from './randomAccess.js'

/** A member of a ZIP archive. */
export interface ZipEntry {
  readonly name: string
  /** Uncompressed size in bytes. */
  readonly size: number
  /** The uncompressed contents, checked against their checksum. May be a view of the archive's bytes. */
  read(): Uint8Array
}

/** Record signatures and fixed sizes, APPNOTE 6.3. */
const END = 0x06054b50
const END_BYTES = 22
const ZIP64_LOCATOR = 0x07064b50
const ZIP64_LOCATOR_BYTES = 20
const ZIP64_END = 0x06064b50
const ZIP64_END_BYTES = 56
const CENTRAL = 0x02014b50
const CENTRAL_BYTES = 46
const LOCAL = 0x04034b50
const LOCAL_BYTES = 30
const ZIP64_EXTRA = 1
const MAX_COMMENT = 0xffff
const STORED = 0
const DEFLATED = 8
const ENCRYPTED = 1

/** Whether the source begins like a ZIP archive. */
export function isZip(source: RandomAccess): boolean {
  if (source.byteLength < 4) return false
  const [p, k, a, b] = source.read(0, 4)
  return p === 0x50 && k === 0x4b && ((a === 3 && b === 4) || (a === 5 && b === 6))
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}

function safe(value: bigint, source: RandomAccess): number {
  if (value > BigInt(Number.MAX_SAFE_INTEGER)) {
    throw new ArchiveCorruptError(`${source.name}: the ZIP archive declares an impossible size of ${value} bytes.`)
  }
  return Number(value)
}

interface Directory {
  readonly offset: number
  readonly size: number
  readonly count: number
}

/** Finds the central directory through the end record, and its zip64 form for archives beyond 4 GiB. */
function findDirectory(source: RandomAccess): Directory {
  const tailStart = Math.max(0, source.byteLength - END_BYTES - MAX_COMMENT)
  const tail = viewOf(source.read(tailStart, source.byteLength))
  let at = tail.byteLength - END_BYTES
  while (
    at >= 0 &&
    !(tail.getUint32(at, true) === END && at + END_BYTES + tail.getUint16(at + 20, true) <= tail.byteLength)
  )
    at--
  if (at < 0) {
    throw new ArchiveTruncatedError(
      `${source.name}: the ZIP archive has no directory at its end. The file is cut short; copy or download it again.`,
    )
  }
  const directory = {
    count: tail.getUint16(at + 10, true),
    size: tail.getUint32(at + 12, true),
    offset: tail.getUint32(at + 16, true),
  }
  const locatorAt = tailStart + at - ZIP64_LOCATOR_BYTES
  if (locatorAt < 0) return directory
  const locator = viewOf(source.read(locatorAt, locatorAt + ZIP64_LOCATOR_BYTES))
  if (locator.getUint32(0, true) !== ZIP64_LOCATOR) return directory
  const endAt = safe(locator.getBigUint64(8, true), source)
  const end = viewOf(source.read(endAt, endAt + ZIP64_END_BYTES))
  if (end.getUint32(0, true) !== ZIP64_END) {
    throw new ArchiveCorruptError(`${source.name}: the ZIP archive's zip64 end record is not where it should be.`)
  }
  return {
    count: safe(end.getBigUint64(32, true), source),
    size: safe(end.getBigUint64(40, true), source),
    offset: safe(end.getBigUint64(48, true), source),
  }
}

interface CentralRecord {
  readonly name: string
  readonly flags: number
  readonly method: number
  readonly crc: number
  readonly compressedSize: number
  readonly size: number
  readonly localOffset: number
}

function readCentralRecord(
  source: RandomAccess,
  directory: DataView,
  at: number,
): { record: CentralRecord; next: number } {
  if (at + CENTRAL_BYTES > directory.byteLength || directory.getUint32(at, true) !== CENTRAL) {
    throw new ArchiveCorruptError(`${source.name}: the ZIP directory is malformed at byte ${at}.`)
  }
  const nameLength = directory.getUint16(at + 28, true)
  const extraLength = directory.getUint16(at + 30, true)
  const nameAt = at + CENTRAL_BYTES
  const extraAt = nameAt + nameLength
  const next = extraAt + extraLength + directory.getUint16(at + 32, true)
  if (next > directory.byteLength)
    throw new ArchiveCorruptError(`${source.name}: the ZIP directory is malformed at byte ${at}.`)
  let size = directory.getUint32(at + 24, true)
  let compressedSize = directory.getUint32(at + 20, true)
  let localOffset = directory.getUint32(at + 42, true)
  // The zip64 field holds, in this order, just those values whose 32-bit field is all ones.
  for (let field = extraAt; field + 4 <= extraAt + extraLength; ) {
    const id = directory.getUint16(field, true)
    const length = directory.getUint16(field + 2, true)
    let value = field + 4
    const end = Math.min(value + length, extraAt + extraLength)
    const take = (current: number): number => {
      if (current !== 0xffffffff || value + 8 > end) return current
      value += 8
      return safe(directory.getBigUint64(value - 8, true), source)
    }
    if (id === ZIP64_EXTRA) {
      size = take(size)
      compressedSize = take(compressedSize)
      localOffset = take(localOffset)
    }
    field += 4 + length
  }
  const nameBytes = new Uint8Array(directory.buffer, directory.byteOffset + nameAt, nameLength)
  const record = {
    name: new TextDecoder().decode(nameBytes),
    flags: directory.getUint16(at + 8, true),
    method: directory.getUint16(at + 10, true),
    crc: directory.getUint32(at + 16, true),
    compressedSize,
    size,
    localOffset,
  }
  return { record, next }
}

/**
 * Reads the directory of a ZIP archive, zip64 included. Members are read on demand.
 *
 * Members that overlap are refused: that is how a small archive pretends to be a huge one.
 *
 * @throws ArchiveTruncatedError, ArchiveCorruptError, ArchiveDuplicateError, CheckpointLimitError, CheckpointFormatError.
 */
export function readZip(source: RandomAccess, limits: Partial<CheckpointLimits> = {}): Map<string, ZipEntry> {
  const { maxEntries, maxInflatedBytes } = completeLimits(limits)
  const { offset, size, count } = findDirectory(source)
  if (count > maxEntries) {
    throw new CheckpointLimitError(
      `${source.name}: ${count} members, more than the ${maxEntries} that maxEntries allows.`,
    )
  }
  const directory = viewOf(source.read(offset, offset + size))
  const entries = new Map<string, ZipEntry>()
  const spans: { name: string; start: number; end: number }[] = []
  // PyTorch stores zeros when torch.serialization.set_crc32_options(False) was called.
  let checksums = false
  let inflatedBytes = 0
  let at = 0
  for (let i = 0; i < count; i++) {
    const { record, next } = readCentralRecord(source, directory, at)
    at = next
    const what = `${source.name}: member ${JSON.stringify(record.name)}`
    if (record.flags & ENCRYPTED) throw new CheckpointFormatError(`${what} is encrypted, which is not supported.`)
    if (record.method !== STORED && record.method !== DEFLATED) {
      throw new CheckpointFormatError(
        `${what}: expected stored or deflated data, found compression method ${record.method}.`,
      )
    }
    if (record.method === STORED && record.size !== record.compressedSize) {
      throw new ArchiveCorruptError(`${what}: stored data of ${record.compressedSize} bytes declares ${record.size}.`)
    }
    checksums ||= record.crc !== 0
    if (record.method === DEFLATED) inflatedBytes += record.size
    if (inflatedBytes > maxInflatedBytes) {
      throw new CheckpointLimitError(
        `${source.name}: more than ${maxInflatedBytes} bytes after decompression. If the file is trustworthy, raise maxInflatedBytes.`,
      )
    }
    if (entries.has(record.name)) throw new ArchiveDuplicateError(`${what} occurs twice.`)
    const start = dataStart(source, record, what)
    spans.push({ name: record.name, start: record.localOffset, end: start + record.compressedSize })
    entries.set(record.name, {
      name: record.name,
      size: record.size,
      read: () => readMember(source, record, start, { what, checksum: checksums }),
    })
  }
  spans.sort((a, b) => a.start - b.start)
  spans.push({ name: 'directory', start: offset, end: offset + size })
  for (let i = 1; i < spans.length; i++) {
    if (spans[i]!.start < spans[i - 1]!.end) {
      throw new ArchiveCorruptError(
        `${source.name}: members ${JSON.stringify(spans[i - 1]!.name)} and ${JSON.stringify(spans[i]!.name)} overlap.`,
      )
    }
  }
  return entries
}

function dataStart(source: RandomAccess, record: CentralRecord, what: string): number {
  const header = viewOf(source.read(record.localOffset, record.localOffset + LOCAL_BYTES))
  if (header.getUint32(0, true) !== LOCAL)
    throw new ArchiveCorruptError(`${what}: its header is not where the directory says.`)
  const start = record.localOffset + LOCAL_BYTES + header.getUint16(26, true) + header.getUint16(28, true)
  if (start + record.compressedSize > source.byteLength) {
    throw new ArchiveTruncatedError(`${what} ends beyond the file's ${source.byteLength} bytes.`)
  }
  return start
}

function readMember(
  source: RandomAccess,
  record: CentralRecord,
  start: number,
  { what, checksum }: { what: string; checksum: boolean },
): Uint8Array {
  const raw = source.read(start, start + record.compressedSize)
  const bytes = record.method === STORED ? raw : inflate(raw, record.size, what)
  if (checksum && crc32(bytes) !== record.crc) {
    throw new ArchiveCorruptError(
      `${what}: its checksum does not match. The file is damaged; copy or download it again.`,
    )
  }
  return bytes
}
