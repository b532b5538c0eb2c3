import { zlibSync } from 'fflate'
import { crc32 } from '../checkpoint/crc32.js'
import { MediaFormatError } from './errors.js'

/** A picture of 8 bits per channel, row by row from the top. */
export interface Bitmap {
  readonly width: number
  readonly height: number
  /** 1 grey, 3 RGB, 4 RGB with alpha. */
  readonly channels: 1 | 3 | 4
  /** `height * width * channels` bytes. */
  readonly data: Uint8Array
}

const SIGNATURE = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]
const COLOR_TYPES = { 1: 0, 3: 2, 4: 6 } as const
const HEADER_BYTES = 13
const FILTER_SUB = 1
const FILTER_UP = 2

function chunk(name: string, data: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(12 + data.length)
  const view = new DataView(bytes.buffer)
  view.setUint32(0, data.length)
  for (let index = 0; index < 4; index += 1) bytes[4 + index] = name.charCodeAt(index)
  bytes.set(data, 8)
  view.setUint32(8 + data.length, crc32(bytes.subarray(4, 8 + data.length)))
  return bytes
}

/**
 * Encodes a picture as PNG (ISO/IEC 15948). Each row is stored as its difference to the left or upper neighbour,
 * whichever is smaller.
 *
 * @throws MediaFormatError if the data's size is not width * height * channels, or a side is 0.
 */
export function encodePng({ width, height, channels, data }: Bitmap): Uint8Array {
  const stride = width * channels
  if (!(width > 0 && height > 0) || data.length !== stride * height) {
    throw new MediaFormatError(
      `expected ${width} x ${height} x ${channels} = ${stride * height} bytes of picture, found ${data.length}`,
    )
  }
  const rows = new Uint8Array((stride + 1) * height)
  const sub = new Uint8Array(stride)
  const up = new Uint8Array(stride)
  for (let y = 0; y < height; y += 1) {
    const at = y * stride
    let subCost = 0
    let upCost = 0
    for (let x = 0; x < stride; x += 1) {
      const value = data[at + x]!
      sub[x] = value - (x >= channels ? data[at + x - channels]! : 0)
      up[x] = value - (y > 0 ? data[at + x - stride]! : 0)
      // As signed bytes: a difference of -1 is as cheap as one of 1.
      subCost += Math.min(sub[x]!, 256 - sub[x]!)
      upCost += Math.min(up[x]!, 256 - up[x]!)
    }
    const start = y * (stride + 1)
    rows[start] = upCost < subCost ? FILTER_UP : FILTER_SUB
    rows.set(upCost < subCost ? up : sub, start + 1)
  }
  const header = new Uint8Array(HEADER_BYTES)
  const view = new DataView(header.buffer)
  view.setUint32(0, width)
  view.setUint32(4, height)
  header[8] = 8
  header[9] = COLOR_TYPES[channels]
  const parts = [
    Uint8Array.from(SIGNATURE),
    chunk('IHDR', header),
    chunk('IDAT', zlibSync(rows, { level: 9 })),
    chunk('IEND', new Uint8Array(0)),
  ]
  const png = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0))
  let offset = 0
  for (const part of parts) {
    png.set(part, offset)
    offset += part.length
  }
  return png
}

const CHANNELS: Record<number, number> = { 0: 1, 2: 3, 3: 3, 4: 2, 6: 4 }

/** Size in pixels and channels of a PNG file, from its header. @throws MediaFormatError */
export function readPngHeader(png: Uint8Array): { width: number; height: number; channels: number } {
  const channels = CHANNELS[png[25] ?? -1]
  if (png.length < 33 || SIGNATURE.some((byte, index) => png[index] !== byte) || channels === undefined) {
    throw new MediaFormatError(`expected a PNG file, found ${png.length} bytes of something else`)
  }
  const view = new DataView(png.buffer, png.byteOffset, png.byteLength)
  return { width: view.getUint32(16), height: view.getUint32(20), channels }
}
