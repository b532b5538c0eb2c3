import { Inflate, inflateSync } from 'fflate'
import { crc32 } from './crc32.js'
import { ArchiveCorruptError, ArchiveTruncatedError, CheckpointLimitError } from './errors.js'
import { allocateBytes, type RandomAccess } from './randomAccess.js'

/** DEFLATE cannot expand a byte to more than this many (RFC 1951: a 258-byte match needs two bits). */
const MAX_EXPANSION = 1032

/** Compressed bytes handed to the decompressor at a time; bounds what one step can produce to 132 MiB. */
const STEP = 128 * 1024

const GZIP_TRAILER = 8

/** Flag bits of a gzip header, RFC 1952. */
const FHCRC = 2
const FEXTRA = 4
const FNAME = 8
const FCOMMENT = 16

/** Whether the source begins like gzip with DEFLATE. */
export function isGzip(source: RandomAccess): boolean {
  if (source.byteLength < 3) return false
  const [a, b, method] = source.read(0, 3)
  return a === 0x1f && b === 0x8b && method === 8
}

/**
 * Inflates a DEFLATE stream of known uncompressed size.
 *
 * @param what - Names the data in errors.
 * @throws ArchiveTruncatedError, ArchiveCorruptError if the stream is cut short, malformed or of another size.
 */
export function inflate(compressed: Uint8Array, size: number, what: string): Uint8Array {
  if (size > compressed.length * MAX_EXPANSION) {
    throw new ArchiveCorruptError(
      `${what}: declares ${size} bytes, but ${compressed.length} compressed bytes cannot hold that many.`,
    )
  }
  const out = allocateBytes(size, what)
  let inflated: Uint8Array
  try {
    inflated = inflateSync(compressed, { out })
  } catch (cause) {
    throw inflateError(cause, what)
  }
  if (inflated.length !== size) {
    throw new ArchiveCorruptError(`${what}: expected ${size} bytes after decompression, found ${inflated.length}.`)
  }
  return inflated
}

/**
 * Decompresses a gzip file of one member and verifies its checksum.
 *
 * @param maxBytes - Limit on the uncompressed size.
 * @throws CheckpointLimitError, ArchiveTruncatedError, ArchiveCorruptError.
 */
export function gunzip(source: RandomAccess, maxBytes: number): Uint8Array {
  const start = gzipHeaderEnd(source)
  const end = source.byteLength - GZIP_TRAILER
  if (end < start) throw new ArchiveTruncatedError(`${source.name}: the gzip file is cut short.`)
  const trailer = new DataView(source.read(end, source.byteLength).slice().buffer)
  const declaredCrc = trailer.getUint32(0, true)
  const declaredSize = trailer.getUint32(4, true)

  // The declared size is only a hint: it lies in truncated files, and is modulo 4 GiB.
  const plausible = declaredSize <= Math.min(maxBytes, (end - start) * MAX_EXPANSION)
  let out = allocateBytes(plausible ? declaredSize : STEP, source.name)
  let size = 0
  let emptySteps = 0
  const stream = new Inflate((chunk) => {
    emptySteps = chunk.length === 0 ? emptySteps + 1 : 0
    if (size + chunk.length > maxBytes) {
      throw new CheckpointLimitError(
        `${source.name}: more than ${maxBytes} bytes after decompression. If the file is trustworthy, raise maxInflatedBytes.`,
      )
    }
    if (size + chunk.length > out.length) out = grow(out, size + chunk.length, maxBytes, source.name)
    out.set(chunk, size)
    size += chunk.length
  })
  try {
    for (let at = start; at < end; at += STEP) {
      const next = Math.min(end, at + STEP)
      stream.push(source.read(at, next), next === end)
      // No block needs two whole steps before it yields something, so the stream has ended and junk follows it.
      if (emptySteps > 1 && next < end)
        throw new ArchiveCorruptError(`${source.name}: data follows the end of the gzip stream.`)
    }
    if (start === end) throw new ArchiveTruncatedError(`${source.name}: the gzip file is cut short.`)
  } catch (cause) {
    throw inflateError(cause, source.name)
  }
  out = out.subarray(0, size)
  if (size % 2 ** 32 !== declaredSize || crc32(out) !== declaredCrc) {
    throw new ArchiveCorruptError(
      `${source.name}: the gzip checksum does not match. The file is damaged, or consists of several gzip members, which is not supported.`,
    )
  }
  return out
}

function grow(out: Uint8Array, needed: number, maxBytes: number, what: string): Uint8Array<ArrayBuffer> {
  const grown = allocateBytes(Math.max(needed, Math.min(maxBytes, out.length * 2)), what)
  grown.set(out)
  return grown
}

function gzipHeaderEnd(source: RandomAccess): number {
  // Python writes the file's name into the header; names are short, so a small window holds every sane header.
  const head = source.read(0, Math.min(source.byteLength, 70_000))
  const flags = head[3] ?? 0
  let at = 10
  if (flags & FEXTRA) at += 2 + ((head[at] ?? 0) | ((head[at + 1] ?? 0) << 8))
  for (const text of [FNAME, FCOMMENT]) {
    if (!(flags & text)) continue
    const zero = head.indexOf(0, at)
    if (zero < 0) throw new ArchiveTruncatedError(`${source.name}: the gzip header is cut short.`)
    at = zero + 1
  }
  if (flags & FHCRC) at += 2
  return at
}

/** The code of fflate's error for input that ends early. */
const UNEXPECTED_EOF = 0

function inflateError(cause: unknown, what: string): unknown {
  if (!(cause instanceof Error)) return cause
  const code = 'code' in cause ? cause.code : undefined
  if (typeof code === 'string') return cause // one of ours
  if (code === UNEXPECTED_EOF) {
    return new ArchiveTruncatedError(`${what}: the compressed data is cut short. Copy or download the file again.`, {
      cause,
    })
  }
  return new ArchiveCorruptError(`${what}: the compressed data is damaged (${cause.message}).`, { cause })
}
