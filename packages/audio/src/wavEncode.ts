import { type AudioClip, clipLength } from './audioClip.js'
import { AudioArgumentError } from './errors.js'

/** Sample formats that {@link encodeWav} writes. */
export type WavOutputEncoding = 'pcm16' | 'pcm24' | 'pcm32' | 'float32'

/** Options of {@link encodeWav}. */
export interface EncodeWavOptions {
  /** Default `pcm16`. */
  readonly encoding?: WavOutputEncoding | undefined
}

const HEADER_BYTES = 44
/** A float file needs a fact chunk and an empty extension: 2 + 12 bytes more. */
const FLOAT_HEADER_BYTES = 58
const MAX_RIFF_BYTES = 0xffff_ffff

/**
 * Writes a clip, or mono samples, as the bytes of a WAV file.
 *
 * Integer encodings scale by 2^(bits-1), round half away from zero and clip to the range; NaN becomes 0. `float32` keeps
 * the values as they are.
 *
 * @throws AudioArgumentError when channels differ in length, the rate is no positive integer, or the file would pass 4 GiB.
 */
export function encodeWav(clip: AudioClip, options: EncodeWavOptions = {}): Uint8Array {
  const encoding = options.encoding ?? 'pcm16'
  const writer = SAMPLE_WRITERS[encoding]
  if (writer === undefined) {
    throw new AudioArgumentError(
      `unknown WAV encoding ${JSON.stringify(encoding)}. Use one of ${Object.keys(SAMPLE_WRITERS).join(', ')}.`,
    )
  }
  const channels = clip.channels.length
  const frames = clipLength(clip)
  checkClip(clip, frames)
  const bytesPerFrame = writer.bytes * channels
  const headerBytes = encoding === 'float32' ? FLOAT_HEADER_BYTES : HEADER_BYTES
  const dataBytes = frames * bytesPerFrame
  // A chunk of odd length is followed by a pad byte that its size does not count.
  const size = headerBytes + dataBytes + (dataBytes % 2)
  if (size - 8 > MAX_RIFF_BYTES) {
    throw new AudioArgumentError(
      `a WAV file holds at most 4 GiB, ${channels} channel(s) of ${frames} samples need ${size} bytes. Split the audio.`,
    )
  }
  const bytes = new Uint8Array(size)
  const view = new DataView(bytes.buffer)
  writeHeader(view, { encoding, channels, frames, sampleRate: clip.sampleRate, bytesPerFrame, size })
  clip.channels.forEach((samples, c) => {
    writer.write(view, samples, headerBytes + c * writer.bytes, bytesPerFrame)
  })
  return bytes
}

function checkClip(clip: AudioClip, frames: number): void {
  if (clip.channels.length === 0 || clip.channels.length > 0xffff) {
    throw new AudioArgumentError(`a WAV file has 1 to 65535 channels, found ${clip.channels.length}.`)
  }
  const odd = clip.channels.find((samples) => samples.length !== frames)
  if (odd !== undefined) {
    throw new AudioArgumentError(
      `all channels of a clip need one length, found ${frames} and ${odd.length} samples. Pad or cut them first.`,
    )
  }
  if (!Number.isInteger(clip.sampleRate) || clip.sampleRate <= 0 || clip.sampleRate > 0xffff_ffff) {
    throw new AudioArgumentError(
      `expected a positive whole sample rate in Hz, found ${clip.sampleRate}. Resample the audio to a whole rate.`,
    )
  }
}

function writeHeader(
  view: DataView,
  file: {
    encoding: WavOutputEncoding
    channels: number
    frames: number
    sampleRate: number
    bytesPerFrame: number
    size: number
  },
): void {
  let at = 0
  const ascii = (text: string) => {
    for (const letter of text) view.setUint8(at++, letter.charCodeAt(0))
  }
  const u16 = (value: number) => {
    view.setUint16(at, value, true)
    at += 2
  }
  const u32 = (value: number) => {
    view.setUint32(at, value, true)
    at += 4
  }
  const float = file.encoding === 'float32'
  ascii('RIFF')
  u32(file.size - 8)
  ascii('WAVEfmt ')
  u32(float ? 18 : 16)
  u16(float ? 3 : 1)
  u16(file.channels)
  u32(file.sampleRate)
  u32((file.sampleRate * file.bytesPerFrame) % 0x1_0000_0000)
  u16(file.bytesPerFrame)
  u16((8 * file.bytesPerFrame) / file.channels)
  if (float) {
    u16(0)
    ascii('fact')
    u32(4)
    u32(file.frames)
  }
  ascii('data')
  u32(file.frames * file.bytesPerFrame)
}

interface SampleWriter {
  readonly bytes: number
  write(view: DataView, samples: Float32Array, offset: number, stride: number): void
}

/** Round half away from zero and clip; NaN becomes 0. */
function quantise(sample: number, scale: number): number {
  const scaled = sample * scale
  if (scaled >= scale - 1) return scale - 1
  if (scaled <= -scale) return -scale
  return Math.sign(scaled) * Math.round(Math.abs(scaled)) || 0
}

const SAMPLE_WRITERS: Readonly<Record<WavOutputEncoding, SampleWriter>> = {
  pcm16: {
    bytes: 2,
    write: (view, samples, offset, stride) => {
      for (let t = 0, at = offset; t < samples.length; t++, at += stride) {
        view.setInt16(at, quantise(samples[t]!, 0x8000), true)
      }
    },
  },
  pcm24: {
    bytes: 3,
    write: (view, samples, offset, stride) => {
      for (let t = 0, at = offset; t < samples.length; t++, at += stride) {
        const value = quantise(samples[t]!, 0x80_0000)
        view.setUint16(at, value & 0xffff, true)
        view.setInt8(at + 2, value >> 16)
      }
    },
  },
  pcm32: {
    bytes: 4,
    write: (view, samples, offset, stride) => {
      for (let t = 0, at = offset; t < samples.length; t++, at += stride) {
        view.setInt32(at, quantise(samples[t]!, 0x8000_0000), true)
      }
    },
  },
  float32: {
    bytes: 4,
    write: (view, samples, offset, stride) => {
      for (let t = 0, at = offset; t < samples.length; t++, at += stride) view.setFloat32(at, samples[t]!, true)
    },
  },
}
