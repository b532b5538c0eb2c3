import type { AudioClip } from './audioClip.js'
import { AudioFormatError, AudioTruncatedError } from './errors.js'
import { toWavOrder } from './oggChannelOrder.js'
import { readOggStream } from './oggPackets.js'

const IDENTIFICATION_MAGIC = '\u0001vorbis'

/** True when `packet` is the identification header of a Vorbis stream. */
export function isVorbisHead(packet: Uint8Array): boolean {
  return String.fromCharCode(...packet.subarray(0, 7)) === IDENTIFICATION_MAGIC
}

/**
 * Decodes an Ogg Vorbis file.
 *
 * @throws AudioFormatError or AudioTruncatedError.
 *
 * Source: Xiph.org "Vorbis I specification"; stb_vorbis through the package `stb-vorbis`, loaded at the first call.
 */
export async function decodeVorbis(
  bytes: Uint8Array,
  options: { readonly source?: string | undefined; readonly allowTruncated?: boolean | undefined } = {},
): Promise<AudioClip> {
  const { source } = options
  // Checks every page's CRC first: the decoder itself passes over damage in silence.
  const stream = readOggStream(bytes, options)
  if (!stream.ended && !options.allowTruncated) {
    throw new AudioTruncatedError(
      'the Ogg stream ends without its last page. Fetch or write the file again, or pass allowTruncated.',
      { source },
    )
  }
  const { StbVorbis } = await import('stb-vorbis')
  await StbVorbis.ready
  try {
    const { sampleRate, channels } = StbVorbis.decode(bytes)
    return { sampleRate, channels: toWavOrder(channels) }
  } catch (cause) {
    throw new AudioFormatError(
      `the Vorbis stream cannot be decoded: ${cause instanceof Error ? cause.message : String(cause)}. Fetch the file again, or convert it to FLAC or WAV.`,
      { source, cause },
    )
  }
}
