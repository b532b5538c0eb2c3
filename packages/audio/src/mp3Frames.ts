/** One MPEG audio frame of a file. */
export interface Mp3Frame {
  /** Byte offset of its header. */
  readonly offset: number
  /** Bytes, header included. */
  readonly size: number
  readonly layer: 1 | 2 | 3
  /** In Hz. */
  readonly sampleRate: number
  readonly channels: 1 | 2
  /** Samples per channel. */
  readonly samples: number
}

/** kbit/s by bitrate index, for MPEG-1 layers I, II, III and MPEG-2 layers I, II+III. Source: ISO/IEC 11172-3, 13818-3. */
const BITRATES = {
  v1: {
    1: [0, 32, 64, 96, 128, 160, 192, 224, 256, 288, 320, 352, 384, 416, 448],
    2: [0, 32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384],
    3: [0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320],
  },
  v2: {
    1: [0, 32, 48, 56, 64, 80, 96, 112, 128, 144, 160, 176, 192, 224, 256],
    2: [0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160],
    3: [0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160],
  },
} as const
const SAMPLE_RATES = [44100, 48000, 32000]
const ID3_HEADER_BYTES = 10

/** Bytes of an ID3v2 tag at `offset`, 0 when there is none. */
export function id3Size(bytes: Uint8Array, offset = 0): number {
  if (bytes[offset] !== 0x49 || bytes[offset + 1] !== 0x44 || bytes[offset + 2] !== 0x33) return 0
  if (bytes.length < offset + ID3_HEADER_BYTES) return 0
  let size = 0
  for (let i = 6; i < 10; i++) size = size * 128 + (bytes[offset + i]! & 0x7f)
  const footer = (bytes[offset + 5]! & 0x10) !== 0 ? ID3_HEADER_BYTES : 0
  return ID3_HEADER_BYTES + size + footer
}

/** The frame whose header stands at `offset`; undefined when there is none, or one of free format. */
export function parseMp3Header(bytes: Uint8Array, offset: number): Mp3Frame | undefined {
  const [a, b, c, d] = [bytes[offset], bytes[offset + 1], bytes[offset + 2], bytes[offset + 3]]
  if (a !== 0xff || b === undefined || c === undefined || d === undefined || b >> 5 !== 7) return undefined
  const version = (b >> 3) & 3
  const layerCode = (b >> 1) & 3
  const bitrateIndex = c >> 4
  const rateIndex = (c >> 2) & 3
  if (version === 1 || layerCode === 0 || bitrateIndex === 0 || bitrateIndex === 15 || rateIndex === 3) return undefined
  const layer = (4 - layerCode) as 1 | 2 | 3
  const isV1 = version === 3
  // MPEG-2 halves the rates, MPEG-2.5 quarters them.
  const sampleRate = SAMPLE_RATES[rateIndex]! / (isV1 ? 1 : version === 2 ? 2 : 4)
  const bitrate = BITRATES[isV1 ? 'v1' : 'v2'][layer][bitrateIndex]! * 1000
  const padding = (c >> 1) & 1
  const samples = layer === 1 ? 384 : layer === 3 && !isV1 ? 576 : 1152
  const slotBytes = layer === 1 ? 4 : 1
  const size = (Math.floor(((samples / 8 / slotBytes) * bitrate) / sampleRate) + padding) * slotBytes
  return { offset, size, layer, sampleRate, channels: d >> 6 === 3 ? 1 : 2, samples }
}

/** True when a frame at `offset` is followed by a second one like it, or by the end of the bytes. */
export function isMp3At(bytes: Uint8Array, offset: number): boolean {
  const frame = parseMp3Header(bytes, offset)
  if (frame === undefined) return false
  const next = parseMp3Header(bytes, offset + frame.size)
  return next === undefined ? offset + frame.size === bytes.length : isSameStream(frame, next)
}

/** True when the bytes start with MPEG audio, perhaps after an ID3v2 tag and zeros that some writers leave for one. */
export function isMp3(bytes: Uint8Array): boolean {
  return isMp3At(bytes, firstFrameOffset(bytes))
}

function firstFrameOffset(bytes: Uint8Array): number {
  let at = id3Size(bytes)
  while (at < bytes.length && bytes[at] === 0) at++
  return at
}

/** All whole frames of the stream that starts first, in order. */
export function readMp3Frames(bytes: Uint8Array): Mp3Frame[] {
  const frames: Mp3Frame[] = []
  let at = firstFrameOffset(bytes)
  while (at + 4 <= bytes.length) {
    const frame = parseMp3Header(bytes, at)
    const first = frames[0]
    const fits = frame !== undefined && (first === undefined ? isMp3At(bytes, at) : isSameStream(first, frame))
    if (!fits) {
      at++
      continue
    }
    if (at + frame.size > bytes.length) break
    frames.push(frame)
    at += frame.size
  }
  return frames
}

function isSameStream(a: Mp3Frame, b: Mp3Frame): boolean {
  return a.layer === b.layer && a.sampleRate === b.sampleRate && a.channels === b.channels && a.samples === b.samples
}
