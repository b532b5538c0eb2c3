import type { AudioClip } from './audioClip.js'
import { AudioFormatError } from './errors.js'
import { type Mp3Frame, readMp3Frames } from './mp3Frames.js'

/**
 * Decodes an MPEG-1, 2 or 2.5 audio file (layers I to III), without the encoder's delay and padding when its header
 * gives them. Damaged stretches between whole frames are passed over, as players do.
 *
 * @throws AudioFormatError.
 *
 * Source: ISO/IEC 11172-3 and 13818-3; libmpg123 through the package `mpg123-decoder`, loaded at the first call.
 */
export async function decodeMp3(
  bytes: Uint8Array,
  options: { readonly source?: string | undefined } = {},
): Promise<AudioClip> {
  const { source } = options
  const frames = readMp3Frames(bytes)
  const first = frames[0]
  if (first === undefined) throw new AudioFormatError('expected MPEG audio frames, found none.', { source })
  const { MPEGDecoder } = await import('mpg123-decoder')
  const decoder = new MPEGDecoder({ enableGapless: true })
  await decoder.ready
  try {
    const decoded = decoder.decode(whole(bytes, frames))
    return { sampleRate: decoded.sampleRate, channels: decoded.channelData.slice(0, first.channels) }
  } finally {
    decoder.free()
  }
}

function whole(bytes: Uint8Array, frames: readonly Mp3Frame[]): Uint8Array {
  const joined = new Uint8Array(frames.reduce((size, frame) => size + frame.size, 0))
  let at = 0
  for (const frame of frames) {
    joined.set(bytes.subarray(frame.offset, frame.offset + frame.size), at)
    at += frame.size
  }
  return joined
}
