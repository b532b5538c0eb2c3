import { normaliseMemberPath } from './archivePath.js'
import {
  ArchiveCorruptError,
  ArchiveDuplicateError,
  ArchiveEntryTypeError,
  ArchiveTruncatedError,
  CheckpointLimitError,
} from './errors.js'
import { type CheckpointLimits, completeLimits } from './limits.js'
import { type RandomAccess, sectionOf } from './randomAccess.js'

const BLOCK = 512
const CHECKSUM_AT = 148
/** A pax or long-name header larger than this is not a name. */
const MAX_HEADER_BYTES = 1 << 20

/** What the type flag of a member that is neither file nor folder means. */
const REFUSED_TYPES: Readonly<Record<string, string>> = {
  '1': 'a hard link',
  '2': 'a symbolic link',
  '3': 'a character device',
  '4': 'a block device',
  '6': 'a named pipe',
  S: 'a sparse file',
}

/** Whether the source begins with a tar header whose checksum is right. */
export function isTar(source: RandomAccess): boolean {
  if (source.byteLength < BLOCK) return false
  const header = source.read(0, BLOCK)
  return header.some((byte) => byte !== 0) && hasChecksum(header)
}

function hasChecksum(header: Uint8Array): boolean {
  let unsigned = 0
  let signed = 0
  for (let i = 0; i < BLOCK; i++) {
    const byte = i >= CHECKSUM_AT && i < CHECKSUM_AT + 8 ? 0x20 : header[i]!
    unsigned += byte
    signed += byte > 127 ? byte - 256 : byte // some old programs sum signed bytes
  }
  const stored = octal(header.subarray(CHECKSUM_AT, CHECKSUM_AT + 8))
  return stored === unsigned || stored === signed
}

function octal(field: Uint8Array): number {
  const text = String.fromCharCode(...field)
    .replace(/[\0 ]+$/, '')
    .trimStart()
  return /^[0-7]+$/.test(text) ? Number.parseInt(text, 8) : Number.NaN
}

/** A size field: octal digits, or for 8 GiB and more a big-endian number marked by its first bit. */
function sizeField(field: Uint8Array): number {
  if (field[0] !== 0x80) return octal(field)
  let value = 0
  for (const byte of field.subarray(1)) value = value * 256 + byte
  return value
}

function text(field: Uint8Array): string {
  const end = field.indexOf(0)
  return new TextDecoder().decode(end < 0 ? field : field.subarray(0, end))
}

/** The records `LENGTH KEY=VALUE\n` of a pax header. */
function paxRecords(data: Uint8Array, what: string): Map<string, string> {
  const records = new Map<string, string>()
  for (let at = 0; at < data.length; ) {
    const space = data.indexOf(0x20, at)
    const length = space < 0 ? Number.NaN : Number(text(data.subarray(at, space)))
    const record = data.subarray(space + 1, at + length - 1)
    const equals = record.indexOf(0x3d)
    if (
      !Number.isSafeInteger(length) ||
      length < 5 ||
      at + length > data.length ||
      space >= at + length ||
      equals < 0
    ) {
      throw new ArchiveCorruptError(`${what}: the tar archive has a malformed pax header.`)
    }
    records.set(text(record.subarray(0, equals)), new TextDecoder().decode(record.subarray(equals + 1)))
    at += length
  }
  return records
}

/** A file in a tar archive. */
export interface TarFile {
  /** Normalised. */
  readonly name: string
  /** Bytes of the contents in the archive: `[start, end)`. */
  readonly start: number
  readonly end: number
}

/** The files of a tar archive under their normalised names; contents are sections of the source. @throws as {@link tarFiles}. */
export function readTar(source: RandomAccess, limits: Partial<CheckpointLimits> = {}): Map<string, RandomAccess> {
  const files = new Map<string, RandomAccess>()
  for (const { name, start, end } of tarFiles(source, limits)) {
    if (files.has(name)) throw new ArchiveDuplicateError(`${source.name}: the member "${name}" occurs twice.`)
    files.set(name, sectionOf(source, start, end, `${source.name}:${name}`))
  }
  return files
}

/**
 * Lists the files of a tar archive (ustar, GNU or pax), in order.
 *
 * @throws ArchivePathError for absolute names and names that leave the archive; ArchiveEntryTypeError for links, devices and
 * sparse files; ArchiveTruncatedError, ArchiveCorruptError, CheckpointLimitError.
 */
export function* tarFiles(source: RandomAccess, limits: Partial<CheckpointLimits> = {}): Generator<TarFile> {
  const { maxEntries } = completeLimits(limits)
  let longName: string | undefined
  let pax = new Map<string, string>()
  let entries = 0
  for (let at = 0; ; ) {
    if (at + BLOCK > source.byteLength) {
      throw new ArchiveTruncatedError(
        `${source.name}: the tar archive has no end. The file is cut short; copy or download it again.`,
      )
    }
    const header = source.read(at, at + BLOCK)
    if (header.every((byte) => byte === 0)) return
    if (!hasChecksum(header)) throw new ArchiveCorruptError(`${source.name}: the tar header at byte ${at} is damaged.`)
    if (++entries > maxEntries) {
      throw new CheckpointLimitError(`${source.name}: more members than the ${maxEntries} that maxEntries allows.`)
    }
    const type = String.fromCharCode(header[156]!)
    const isUstar = text(header.subarray(257, 262)) === 'ustar'
    const isGnu = header[262] === 0x20
    const prefix = isUstar && !isGnu ? text(header.subarray(345, 500)) : ''
    const shortName = text(header.subarray(0, 100))
    const name = pax.get('path') ?? longName ?? (prefix ? `${prefix}/${shortName}` : shortName)
    const paxSize = pax.get('size')
    const isData = type === '0' || type === '\0' || type === '7'
    const size = paxSize !== undefined && isData ? Number(paxSize) : sizeField(header.subarray(124, 136))
    const what = `${source.name}: the member ${JSON.stringify(name)}`
    if (!Number.isSafeInteger(size) || size < 0) throw new ArchiveCorruptError(`${what} has no valid size.`)
    const start = at + BLOCK
    at = start + Math.ceil(size / BLOCK) * BLOCK
    if (start + size > source.byteLength) {
      throw new ArchiveTruncatedError(`${what} is cut short. Copy or download the file again.`)
    }
    if (type === 'x' || type === 'g' || type === 'L' || type === 'K') {
      if (size > MAX_HEADER_BYTES) throw new CheckpointLimitError(`${what}: its name or attributes take ${size} bytes.`)
      const data = source.read(start, start + size)
      if (type === 'L') longName = text(data)
      // A global header holds comments and times in practice; names and sizes of all members it cannot mean.
      else if (type === 'x') pax = paxRecords(data, source.name)
      continue
    }
    const path = normaliseMemberPath(name, source.name)
    if ([...pax.keys()].some((key) => key.startsWith('GNU.sparse'))) {
      throw new ArchiveEntryTypeError(`${what} is a sparse file, which is not supported.`)
    }
    if (isData && !name.endsWith('/')) {
      if (path === '') throw new ArchiveCorruptError(`${what} is a file without a name.`)
      yield { name: path, start, end: start + size }
    } else if (!isData && type !== '5') {
      throw new ArchiveEntryTypeError(
        `${what} is ${REFUSED_TYPES[type] ?? `of the unknown type ${JSON.stringify(type)}`}; only files and folders are allowed.`,
      )
    }
    longName = undefined
    pax = new Map()
  }
}
