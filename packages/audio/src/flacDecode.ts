import type { AudioClip } from './audioClip.js'
import { BitReader, EndOfBits } from './bitReader.js'
import { AudioFormatError, AudioTruncatedError } from './errors.js'
import { crc8, crc16 } from './flacCrc.js'

/** What a FLAC file says about itself before its first frame. */
export interface FlacStreamInfo {
  readonly minBlockSize: number
  readonly maxBlockSize: number
  /** In Hz. */
  readonly sampleRate: number
  readonly channels: number
  readonly bitsPerSample: number
  /** Samples per channel; 0 when the encoder did not know. */
  readonly totalSamples: number
  /** Byte offset of the first audio frame. */
  readonly framesOffset: number
}

/** Options of {@link decodeFlac}. */
export interface DecodeFlacOptions {
  /** Named in errors. */
  readonly source?: string | undefined
  /** Stop after this many samples per channel. Default: to the end. */
  readonly maxSamples?: number | undefined
  /** Use the whole frames before a premature end or a damaged frame. Default false. */
  readonly allowTruncated?: boolean | undefined
}

const SIGNATURE = 0x664c6143 // "fLaC"
const STREAMINFO_BYTES = 34
const MIN_FRAME_BYTES = 10
/** 2^28 samples a channel: 4.6 hours at 16 kHz. A few damaged bytes cannot ask for more memory than this. */
const MAX_SAMPLES = 2 ** 28

const SAMPLE_RATES = [0, 88200, 176400, 192000, 8000, 16000, 22050, 24000, 32000, 44100, 48000, 96000]
const SAMPLE_SIZES = [0, 8, 12, -1, 16, 20, 24, 32]
/** Coefficients of the fixed predictors, nearest sample first. */
const FIXED_PREDICTORS: readonly (readonly number[])[] = [[], [1], [2, -1], [3, -3, 1], [4, -6, 4, -1]]

/** True when `bytes` starts with FLAC's signature. */
export function isFlac(bytes: Uint8Array, offset = 0): boolean {
  return bytes.length >= offset + 4 && new DataView(bytes.buffer, bytes.byteOffset).getUint32(offset) === SIGNATURE
}

/**
 * Reads the metadata blocks of a FLAC stream.
 *
 * @param offset - Where the signature stands, in bytes. Default 0.
 * @throws AudioFormatError or AudioTruncatedError.
 */
export function parseFlacStreamInfo(
  bytes: Uint8Array,
  options: { readonly source?: string | undefined; readonly offset?: number | undefined } = {},
): FlacStreamInfo {
  const { source } = options
  let at = options.offset ?? 0
  if (!isFlac(bytes, at)) throw new AudioFormatError('expected a FLAC stream ("fLaC"), found other bytes.', { source })
  at += 4
  let info: Omit<FlacStreamInfo, 'framesOffset'> | undefined
  for (let last = false; !last; ) {
    if (at + 4 > bytes.length) throw truncatedMetadata(bytes, source)
    const type = bytes[at]! & 0x7f
    last = (bytes[at]! & 0x80) !== 0
    const length = (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!
    at += 4
    if (at + length > bytes.length) throw truncatedMetadata(bytes, source)
    if (info === undefined) {
      if (type !== 0 || length < STREAMINFO_BYTES) {
        throw new AudioFormatError(
          `expected STREAMINFO as the first metadata block, found type ${type}, ${length} bytes.`,
          {
            source,
          },
        )
      }
      info = parseStreamInfoBlock(new BitReader(bytes, at), source)
    }
    at += length
  }
  // The loop runs at least once and either sets info or throws.
  return { ...info!, framesOffset: at }
}

function truncatedMetadata(bytes: Uint8Array, source: string | undefined): AudioTruncatedError {
  return new AudioTruncatedError(
    `the FLAC metadata runs past the end of the ${bytes.length} bytes. Fetch or write the file again.`,
    { source },
  )
}

/** Reads the first metadata block of a FLAC stream from after its header. @throws AudioFormatError. */
export function parseStreamInfoBlock(
  bits: BitReader,
  source: string | undefined,
): Omit<FlacStreamInfo, 'framesOffset'> {
  const minBlockSize = bits.unsigned(16)
  const maxBlockSize = bits.unsigned(16)
  bits.unsigned(24)
  bits.unsigned(24)
  const sampleRate = bits.unsigned(20)
  const channels = bits.unsigned(3) + 1
  const bitsPerSample = bits.unsigned(5) + 1
  const totalSamples = bits.unsigned(4) * 2 ** 32 + bits.unsigned(32)
  if (sampleRate === 0 || bitsPerSample < 4) {
    throw new AudioFormatError(
      `STREAMINFO holds a sample rate of ${sampleRate} Hz and ${bitsPerSample} bits, which FLAC audio cannot have.`,
      { source },
    )
  }
  return { minBlockSize, maxBlockSize, sampleRate, channels, bitsPerSample, totalSamples }
}

/**
 * Decodes native FLAC, bit for bit; every frame's CRCs are checked.
 *
 * @param bytes - The stream from its "fLaC" signature on (or `offset` bytes later).
 * @throws AudioFormatError for damaged frames, AudioTruncatedError for missing ones.
 *
 * Source: RFC 9639.
 */
export function decodeFlac(
  bytes: Uint8Array,
  options: DecodeFlacOptions & { readonly offset?: number } = {},
): AudioClip {
  const info = parseFlacStreamInfo(bytes, options)
  const announced = info.totalSamples === 0 ? Number.POSITIVE_INFINITY : info.totalSamples
  const wanted = Math.min(announced, options.maxSamples ?? Number.POSITIVE_INFINITY)
  const scale = 2 ** -(info.bitsPerSample - 1)
  const blocks: Float32Array[][] = []
  let decoded = 0
  let at = info.framesOffset
  try {
    while (decoded < wanted && bytes.length - at >= MIN_FRAME_BYTES && !isTrailingTag(bytes, at)) {
      const frame = decodeFrame(bytes, at, info, options.source)
      blocks.push(frame.channels.map((samples) => scaled(samples, scale)))
      decoded += frame.channels[0]!.length
      at = frame.end
      if (decoded > MAX_SAMPLES) {
        throw new AudioFormatError(
          `more than ${MAX_SAMPLES} samples a channel. Split the file, or read a part with offset and duration.`,
          { source: options.source },
        )
      }
    }
    if (decoded < wanted && wanted !== Number.POSITIVE_INFINITY && !(options.allowTruncated && decoded > 0)) {
      throw new AudioTruncatedError(
        `expected ${announced} samples, found ${decoded}. Fetch or write the file again, or pass allowTruncated to use what is there.`,
        { source: options.source },
      )
    }
  } catch (error) {
    if (!(options.allowTruncated && decoded > 0)) throw error
  }
  return { sampleRate: info.sampleRate, channels: joinBlocks(blocks, info.channels, Math.min(decoded, wanted)) }
}

function scaled(samples: Float64Array, scale: number): Float32Array {
  const out = new Float32Array(samples.length)
  for (let t = 0; t < out.length; t++) out[t] = samples[t]! * scale
  return out
}

/** ID3v1 tags are sometimes appended to FLAC files. */
function isTrailingTag(bytes: Uint8Array, at: number): boolean {
  return bytes.length - at === 128 && bytes[at] === 0x54 && bytes[at + 1] === 0x41 && bytes[at + 2] === 0x47
}

function joinBlocks(blocks: readonly Float32Array[][], channels: number, length: number): Float32Array[] {
  return Array.from({ length: channels }, (_, c) => {
    const samples = new Float32Array(length)
    let at = 0
    for (const block of blocks) {
      samples.set(block[c]!.subarray(0, length - at), at)
      at += block[c]!.length
    }
    return samples
  })
}

interface FrameHeader {
  readonly blockSize: number
  readonly channels: number
  /** 0 independent, 1 left/side, 2 side/right, 3 mid/side. */
  readonly stereo: 0 | 1 | 2 | 3
  readonly bitsPerSample: number
}

function decodeFrame(
  bytes: Uint8Array,
  start: number,
  info: FlacStreamInfo,
  source: string | undefined,
): { channels: Float64Array[]; end: number } {
  const bits = new BitReader(bytes, start)
  try {
    const header = decodeFrameHeader(bits, bytes, start, info)
    const channels: Float64Array[] = []
    for (let c = 0; c < header.channels; c++) {
      // A side channel needs one bit more.
      const isSide =
        (header.stereo === 1 && c === 1) || (header.stereo === 2 && c === 0) || (header.stereo === 3 && c === 1)
      channels.push(decodeSubframe(bits, header.blockSize, header.bitsPerSample + (isSide ? 1 : 0)))
    }
    bits.align()
    const bodyEnd = bits.byteOffset
    if (bits.unsigned(16) !== crc16(bytes, start, bodyEnd)) throw new DamagedFrame('its CRC-16 does not match')
    undoStereo(channels, header.stereo)
    return { channels, end: bodyEnd + 2 }
  } catch (error) {
    if (error instanceof EndOfBits) {
      throw new AudioTruncatedError(
        `the FLAC frame at byte ${start} runs past the end of the ${bytes.length} bytes. Fetch or write the file again, or pass allowTruncated.`,
        { source },
      )
    }
    if (error instanceof DamagedFrame) {
      throw new AudioFormatError(
        `the FLAC frame at byte ${start} is damaged: ${error.message}. Fetch or write the file again, or pass allowTruncated.`,
        { source },
      )
    }
    throw error
  }
}

class DamagedFrame extends Error {
  override readonly name = 'DamagedFrame'
}

function decodeFrameHeader(bits: BitReader, bytes: Uint8Array, start: number, info: FlacStreamInfo): FrameHeader {
  if (bits.unsigned(15) !== 0x7ffc) throw new DamagedFrame('no frame starts here')
  bits.unsigned(1)
  const blockSizeCode = bits.unsigned(4)
  const sampleRateCode = bits.unsigned(4)
  const channelCode = bits.unsigned(4)
  const sampleSizeCode = bits.unsigned(3)
  const reserved = bits.unsigned(1)
  skipCodedNumber(bits)
  const blockSize = readBlockSize(bits, blockSizeCode)
  const sampleRate = readSampleRate(bits, sampleRateCode, info)
  const headerEnd = bits.byteOffset
  if (bits.unsigned(8) !== crc8(bytes, start, headerEnd)) throw new DamagedFrame("its header's CRC-8 does not match")
  const bitsPerSample = sampleSizeCode === 0 ? info.bitsPerSample : SAMPLE_SIZES[sampleSizeCode]!
  const channels = channelCode < 8 ? channelCode + 1 : 2
  if (reserved !== 0 || channelCode > 10 || blockSize === 0) throw new DamagedFrame('its header uses reserved values')
  if (sampleRate !== info.sampleRate || channels !== info.channels || bitsPerSample !== info.bitsPerSample) {
    throw new DamagedFrame(
      `it has ${channels} channel(s) of ${bitsPerSample} bits at ${sampleRate} Hz, STREAMINFO has ${info.channels} of ${info.bitsPerSample} at ${info.sampleRate}`,
    )
  }
  return { blockSize, channels, stereo: channelCode < 8 ? 0 : ((channelCode - 7) as 1 | 2 | 3), bitsPerSample }
}

/** The frame or sample number, coded like UTF-8 of up to 36 bits; decoding goes by order, not by it. */
function skipCodedNumber(bits: BitReader): void {
  const first = bits.unsigned(8)
  const ones = Math.clz32(~(first << 24))
  if (ones === 1 || ones > 7) throw new DamagedFrame('its number is malformed')
  for (let i = 1; i < ones; i++) {
    if (bits.unsigned(8) >> 6 !== 2) throw new DamagedFrame('its number is malformed')
  }
}

function readBlockSize(bits: BitReader, code: number): number {
  if (code === 0) return 0
  if (code === 1) return 192
  if (code <= 5) return 144 * 2 ** code
  if (code === 6) return bits.unsigned(8) + 1
  if (code === 7) return bits.unsigned(16) + 1
  return 2 ** code
}

function readSampleRate(bits: BitReader, code: number, info: FlacStreamInfo): number {
  if (code === 0) return info.sampleRate
  if (code === 12) return bits.unsigned(8) * 1000
  if (code === 13) return bits.unsigned(16)
  if (code === 14) return bits.unsigned(16) * 10
  const rate = SAMPLE_RATES[code]
  if (rate === undefined) throw new DamagedFrame('its header uses reserved values')
  return rate
}

function decodeSubframe(bits: BitReader, blockSize: number, sampleBits: number): Float64Array {
  if (bits.unsigned(1) !== 0) throw new DamagedFrame('a subframe starts with a set bit')
  const type = bits.unsigned(6)
  const wasted = bits.unsigned(1) === 1 ? bits.unary() + 1 : 0
  const width = sampleBits - wasted
  if (width < 1) throw new DamagedFrame('a subframe wastes all of its bits')
  const samples = new Float64Array(blockSize)
  if (type === 0) {
    samples.fill(bits.signed(width))
  } else if (type === 1) {
    for (let t = 0; t < blockSize; t++) samples[t] = bits.signed(width)
  } else if (type >= 8 && type <= 12) {
    decodeFixed(bits, samples, type - 8, width)
  } else if (type >= 32) {
    decodeLinearPrediction(bits, samples, type - 31, width)
  } else {
    throw new DamagedFrame(`subframe type ${type} is reserved`)
  }
  if (wasted > 0) {
    const factor = 2 ** wasted
    for (let t = 0; t < blockSize; t++) samples[t] = samples[t]! * factor
  }
  return samples
}

function decodeFixed(bits: BitReader, samples: Float64Array, order: number, width: number): void {
  readWarmUp(bits, samples, order, width)
  decodeResidual(bits, samples, order)
  predict(samples, FIXED_PREDICTORS[order]!, 0)
}

function decodeLinearPrediction(bits: BitReader, samples: Float64Array, order: number, width: number): void {
  readWarmUp(bits, samples, order, width)
  const precision = bits.unsigned(4) + 1
  if (precision === 16) throw new DamagedFrame('its predictor precision is reserved')
  const shift = bits.signed(5)
  if (shift < 0) throw new DamagedFrame('its predictor shift is negative')
  const coefficients = Array.from({ length: order }, () => bits.signed(precision))
  decodeResidual(bits, samples, order)
  predict(samples, coefficients, shift)
}

function readWarmUp(bits: BitReader, samples: Float64Array, order: number, width: number): void {
  if (order > samples.length) throw new DamagedFrame(`a predictor of order ${order} for ${samples.length} samples`)
  for (let t = 0; t < order; t++) samples[t] = bits.signed(width)
}

/**
 * Adds the prediction to the residuals in place. Doubles hold these sums exactly: at most 33-bit samples times 15-bit
 * coefficients times 32 terms.
 */
function predict(samples: Float64Array, coefficients: readonly number[], shift: number): void {
  const order = coefficients.length
  if (order === 0) return
  const taps = Float64Array.from(coefficients)
  const scale = 2 ** -shift
  for (let t = order; t < samples.length; t++) {
    let sum = 0
    for (let k = 0; k < order; k++) sum += taps[k]! * samples[t - 1 - k]!
    samples[t] = samples[t]! + Math.floor(sum * scale)
  }
}

/** Rice-coded residuals into `samples[order..]`. */
function decodeResidual(bits: BitReader, samples: Float64Array, order: number): void {
  const method = bits.unsigned(2)
  if (method > 1) throw new DamagedFrame('its residual coding is reserved')
  const parameterBits = method === 0 ? 4 : 5
  const escapeCode = 2 ** parameterBits - 1
  const partitions = 2 ** bits.unsigned(4)
  const partitionSize = samples.length / partitions
  if (!Number.isInteger(partitionSize) || partitionSize < order) {
    throw new DamagedFrame(`${partitions} residual partitions for ${samples.length} samples`)
  }
  let t = order
  for (let p = 1; p <= partitions; p++) {
    const end = p * partitionSize
    const parameter = bits.unsigned(parameterBits)
    if (parameter === escapeCode) {
      const width = bits.unsigned(5)
      for (; t < end; t++) samples[t] = bits.signed(width)
    } else {
      bits.rice(samples, t, end, parameter)
      t = end
    }
  }
}

function undoStereo(channels: Float64Array[], stereo: 0 | 1 | 2 | 3): void {
  const [a, b] = channels
  if (stereo === 0 || a === undefined || b === undefined) return
  for (let t = 0; t < a.length; t++) {
    const first = a[t]!
    const second = b[t]!
    if (stereo === 1) {
      b[t] = first - second
    } else if (stereo === 2) {
      a[t] = first + second
    } else {
      // mid lost its lowest bit, which equals side's.
      const sum = 2 * first + (Math.abs(second) % 2)
      a[t] = (sum + second) / 2
      b[t] = (sum - second) / 2
    }
  }
}
