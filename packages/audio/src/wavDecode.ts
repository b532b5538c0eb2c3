import type { AudioClip } from './audioClip.js'
import { decodeALaw, decodeMuLaw } from './g711.js'
import { parseWavHeaderBytes, type WavEncoding, type WavHeaderOptions } from './wavHeader.js'

/** Options of {@link decodeWav}. */
export interface DecodeWavOptions extends WavHeaderOptions {
  /** First frame to decode. Default 0. */
  readonly firstFrame?: number | undefined
  /** At most this many frames. Default: to the end. */
  readonly frames?: number | undefined
}

/**
 * Decodes a WAV file held in memory.
 *
 * Integers of `b` bits are divided by 2^(b-1); 8-bit samples are unsigned with 128 as zero. Floats are kept, also beyond 1.
 *
 * @throws AudioFormatError, AudioTruncatedError as {@link parseWavHeader}.
 */
export function decodeWav(bytes: Uint8Array, options: DecodeWavOptions = {}): AudioClip {
  const header = parseWavHeaderBytes(bytes, options)
  const first = Math.min(options.firstFrame ?? 0, header.frames)
  const frames = Math.min(options.frames ?? header.frames, header.frames - first)
  const start = header.dataOffset + first * header.bytesPerFrame
  return {
    sampleRate: header.sampleRate,
    channels: decodeWavFrames(bytes.subarray(start, start + frames * header.bytesPerFrame), header),
  }
}

/** Decodes interleaved frames (the contents of a data chunk) to one array per channel. */
export function decodeWavFrames(
  data: Uint8Array,
  format: { readonly encoding: WavEncoding; readonly channels: number; readonly bytesPerFrame: number },
): Float32Array[] {
  const { channels, bytesPerFrame } = format
  const frames = Math.floor(data.length / bytesPerFrame)
  const read = SAMPLE_READERS[format.encoding]
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength)
  const bytesPerSample = bytesPerFrame / channels
  return Array.from({ length: channels }, (_, c) => {
    const samples = new Float32Array(frames)
    read(view, samples, c * bytesPerSample, bytesPerFrame)
    return samples
  })
}

type SampleReader = (view: DataView, out: Float32Array, offset: number, stride: number) => void

// One loop per encoding: a call per sample through a shared loop is several times slower.
const SAMPLE_READERS: Readonly<Record<WavEncoding, SampleReader>> = {
  pcm8: (view, out, offset, stride) => {
    for (let t = 0, at = offset; t < out.length; t++, at += stride) out[t] = (view.getUint8(at) - 128) / 128
  },
  pcm16: (view, out, offset, stride) => {
    for (let t = 0, at = offset; t < out.length; t++, at += stride) out[t] = view.getInt16(at, true) / 0x8000
  },
  pcm24: (view, out, offset, stride) => {
    for (let t = 0, at = offset; t < out.length; t++, at += stride) {
      out[t] = (view.getUint16(at, true) + view.getInt8(at + 2) * 0x10000) / 0x80_0000
    }
  },
  pcm32: (view, out, offset, stride) => {
    for (let t = 0, at = offset; t < out.length; t++, at += stride) out[t] = view.getInt32(at, true) / 0x8000_0000
  },
  float32: (view, out, offset, stride) => {
    for (let t = 0, at = offset; t < out.length; t++, at += stride) out[t] = view.getFloat32(at, true)
  },
  float64: (view, out, offset, stride) => {
    for (let t = 0, at = offset; t < out.length; t++, at += stride) out[t] = view.getFloat64(at, true)
  },
  alaw: (view, out, offset, stride) => {
    for (let t = 0, at = offset; t < out.length; t++, at += stride) out[t] = decodeALaw(view.getUint8(at)) / 0x8000
  },
  mulaw: (view, out, offset, stride) => {
    for (let t = 0, at = offset; t < out.length; t++, at += stride) out[t] = decodeMuLaw(view.getUint8(at)) / 0x8000
  },
}
