import { AudioFormatError, AudioTruncatedError } from './errors.js'

/** The packets of one logical stream of an Ogg file. */
export interface OggStream {
  readonly serial: number
  readonly packets: readonly Uint8Array[]
  /** Granule position of the stream's last page that ends a packet; its meaning is the codec's. -1 when there is none. */
  readonly lastGranule: number
  /** True when the last page carries the end-of-stream flag. */
  readonly ended: boolean
}

const CAPTURE_PATTERN = 0x4f676753 // "OggS"
const PAGE_HEADER_BYTES = 27
const CRC_POLYNOMIAL = 0x04c11db7
const FLAG_CONTINUED = 1
const FLAG_END = 4

/** True when `bytes` starts with an Ogg page. */
export function isOgg(bytes: Uint8Array): boolean {
  return bytes.length >= 4 && new DataView(bytes.buffer, bytes.byteOffset).getUint32(0) === CAPTURE_PATTERN
}

/** The first packet of the first page, for telling the codec. Empty when the page is incomplete. */
export function firstOggPacket(bytes: Uint8Array): Uint8Array {
  const segments = bytes[26] ?? 0
  let length = 0
  for (let i = 0; i < segments; i++) {
    const lacing = bytes[PAGE_HEADER_BYTES + i] ?? 0
    length += lacing
    if (lacing < 255) break
  }
  const start = PAGE_HEADER_BYTES + segments
  return bytes.subarray(start, start + length)
}

/**
 * Collects the packets of the first logical stream of an Ogg file. Pages of other streams are passed over; each page's
 * CRC is checked.
 *
 * @throws AudioFormatError for damaged pages, AudioTruncatedError when the file ends within a page or packet.
 *
 * Source: RFC 3533.
 */
export function readOggStream(
  bytes: Uint8Array,
  options: { readonly source?: string | undefined; readonly allowTruncated?: boolean | undefined } = {},
): OggStream {
  const { source } = options
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const packets: Uint8Array[] = []
  /** Parts of a packet that goes on in the next page. */
  let pending: Uint8Array[] = []
  let serial: number | undefined
  let lastGranule = -1
  let ended = false
  let at = 0
  while (at < bytes.length && !ended) {
    const page = at + PAGE_HEADER_BYTES <= bytes.length ? readPage(bytes, view, at, source) : undefined
    if (page === undefined) {
      if (options.allowTruncated) break
      throw new AudioTruncatedError(
        `the Ogg page at byte ${at} runs past the end of the ${bytes.length} bytes. Fetch or write the file again, or pass allowTruncated.`,
        { source },
      )
    }
    at = page.end
    serial ??= page.serial
    if (page.serial !== serial) continue
    if (!page.continued) pending = []
    for (const segment of page.segments) {
      pending.push(segment.bytes)
      if (!segment.complete) continue
      packets.push(pending.length === 1 ? segment.bytes : concatenate(pending))
      pending = []
    }
    if (page.granule >= 0) lastGranule = page.granule
    ended = page.last
  }
  return { serial: serial ?? 0, packets, lastGranule, ended }
}

interface Page {
  readonly serial: number
  readonly granule: number
  readonly continued: boolean
  readonly last: boolean
  readonly segments: readonly { bytes: Uint8Array; complete: boolean }[]
  readonly end: number
}

/** Undefined when the page runs past the end. */
function readPage(bytes: Uint8Array, view: DataView, at: number, source: string | undefined): Page | undefined {
  if (view.getUint32(at) !== CAPTURE_PATTERN || bytes[at + 4] !== 0) {
    throw new AudioFormatError(`expected an Ogg page ("OggS", version 0) at byte ${at}, found other bytes.`, { source })
  }
  const count = bytes[at + 26]!
  const body = at + PAGE_HEADER_BYTES + count
  if (body > bytes.length) return undefined
  const segments: { bytes: Uint8Array; complete: boolean }[] = []
  let start = body
  let end = body
  for (let i = 0; i < count; i++) {
    const lacing = bytes[at + PAGE_HEADER_BYTES + i]!
    end += lacing
    if (lacing < 255 || i === count - 1) {
      segments.push({ bytes: bytes.subarray(start, end), complete: lacing < 255 })
      start = end
    }
  }
  if (end > bytes.length) return undefined
  if (pageCrc(bytes, at, end) !== view.getUint32(at + 22, true)) {
    throw new AudioFormatError(`the Ogg page at byte ${at} is damaged: its CRC does not match. Fetch the file again.`, {
      source,
    })
  }
  const flags = bytes[at + 5]!
  return {
    serial: view.getUint32(at + 14, true),
    granule: Number(view.getBigInt64(at + 6, true)),
    continued: (flags & FLAG_CONTINUED) !== 0,
    last: (flags & FLAG_END) !== 0,
    segments,
    end,
  }
}

let crcTable: Uint32Array | undefined

/** CRC-32 of a page with its own CRC field taken as zero. */
function pageCrc(bytes: Uint8Array, start: number, end: number): number {
  crcTable ??= Uint32Array.from({ length: 256 }, (_, byte) => {
    let crc = byte << 24
    for (let bit = 0; bit < 8; bit++) crc = crc < 0 ? (crc << 1) ^ CRC_POLYNOMIAL : crc << 1
    return crc
  })
  let crc = 0
  for (let i = start; i < end; i++) {
    const byte = i >= start + 22 && i < start + 26 ? 0 : bytes[i]!
    crc = (crc << 8) ^ crcTable[(crc >>> 24) ^ byte]!
  }
  return crc >>> 0
}

function concatenate(parts: readonly Uint8Array[]): Uint8Array {
  const joined = new Uint8Array(parts.reduce((length, part) => length + part.length, 0))
  let at = 0
  for (const part of parts) {
    joined.set(part, at)
    at += part.length
  }
  return joined
}
