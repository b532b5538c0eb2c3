import type { AudioClip } from './audioClip.js'
import { AudioEmptyError, AudioFormatError } from './errors.js'
import { decodeFlac, isFlac } from './flacDecode.js'
import { decodeMp3 } from './mp3Decode.js'
import { id3Size, isMp3 } from './mp3Frames.js'
import { firstOggPacket, isOgg, readOggStream } from './oggPackets.js'
import { decodeOpus, isOpusHead } from './opusDecode.js'
import { decodeSphere, isSphere } from './sphereDecode.js'
import { decodeVorbis, isVorbisHead } from './vorbisDecode.js'
import { decodeWav } from './wavDecode.js'
import { isWav } from './wavHeader.js'

/** Containers and codecs that {@link decodeAudio} reads. */
export type AudioFormat = 'wav' | 'sphere' | 'flac' | 'mp3' | 'ogg-vorbis' | 'ogg-opus' | 'ogg-flac'

/** Options of {@link decodeAudio}. */
export interface DecodeAudioOptions {
  /** Named in errors, such as the file's path. */
  readonly source?: string | undefined
  /** Use what there is of a file that ends early. Default false: AudioTruncatedError. */
  readonly allowTruncated?: boolean | undefined
}

const OGG_FLAC_MAGIC = '\u007fFLAC'
const OGG_FLAC_HEADER_BYTES = 9

/** Formats we recognise only to name them in errors: offset, magic, name. */
const FOREIGN_FORMATS: readonly (readonly [number, string, string])[] = [
  [4, 'ftyp', 'an MP4/M4A file'],
  [0, '\u001aE\u00df\u00a3', 'a WebM/Matroska file'],
  [0, 'FORM', 'an AIFF file'],
  [0, 'RIFX', 'a big-endian WAV (RIFX) file'],
  [0, 'RIFF', 'a RIFF file that is not WAVE'],
  [0, '#!AMR', 'an AMR file'],
  [0, '.snd', 'a Sun AU file'],
  [0, 'caff', 'a CAF file'],
  [0, 'OggS', 'an Ogg file of an unknown codec'],
  [0, 'PK\u0003\u0004', 'a zip archive'],
  [0, '\u001f\u008b', 'a gzip archive'],
  [0, '<', 'an HTML or XML page'],
  [0, '{', 'a JSON file'],
  [0, 'version https://git-lfs', 'a Git LFS pointer; run `git lfs pull`'],
]

/** The format of audio bytes by their content; undefined when it is none of ours. The first 64 KiB of a file suffice. */
export function detectAudioFormat(bytes: Uint8Array): AudioFormat | undefined {
  if (isWav(bytes)) return 'wav'
  if (isSphere(bytes)) return 'sphere'
  // Some taggers put ID3v2 in front of FLAC as well.
  if (isFlac(bytes, id3Size(bytes))) return 'flac'
  if (isOgg(bytes)) {
    const packet = firstOggPacket(bytes)
    if (isOpusHead(packet)) return 'ogg-opus'
    if (isVorbisHead(packet)) return 'ogg-vorbis'
    if (startsWith(packet, 0, OGG_FLAC_MAGIC)) return 'ogg-flac'
    return undefined
  }
  return isMp3(bytes) ? 'mp3' : undefined
}

/**
 * Decodes a whole audio file: WAV, FLAC, MP3, Ogg Vorbis, Ogg Opus, Ogg FLAC or NIST SPHERE, told apart by content.
 *
 * Channels and sample rate are the file's (Opus: 48 kHz); channels come in WAV's order. The libraries for MP3, Vorbis and Opus are loaded when first needed.
 *
 * @throws AudioEmptyError for no bytes, AudioFormatError for anything that is no audio of these kinds or is damaged,
 * AudioTruncatedError for a file that ends early.
 */
export async function decodeAudio(bytes: Uint8Array, options: DecodeAudioOptions = {}): Promise<AudioClip> {
  const { source } = options
  if (bytes.length === 0) {
    throw new AudioEmptyError('expected audio, found an empty file (0 bytes). Fetch or write the file again.', {
      source,
    })
  }
  const format = detectAudioFormat(bytes)
  switch (format) {
    case 'wav':
      return decodeWav(bytes, options)
    case 'sphere':
      return decodeSphere(bytes, options)
    case 'flac':
      return decodeFlac(bytes, { ...options, offset: id3Size(bytes) })
    case 'ogg-flac':
      return decodeFlac(nativeFlac(bytes, options), options)
    case 'ogg-opus':
      return decodeOpus(bytes, options)
    case 'ogg-vorbis':
      return decodeVorbis(bytes, options)
    case 'mp3':
      return decodeMp3(bytes, options)
    case undefined:
      throw new AudioFormatError(
        `expected WAV, FLAC, MP3, Ogg Vorbis or Ogg Opus, found ${describe(bytes)}. Convert it, for example: ffmpeg -i IN -ar 16000 -ac 1 OUT.wav`,
        { source },
      )
  }
}

/** The packets of Ogg FLAC, joined, are a native stream once the mapping's own header is cut off. */
function nativeFlac(bytes: Uint8Array, options: DecodeAudioOptions): Uint8Array {
  const [first, ...others] = readOggStream(bytes, options).packets
  const parts = [(first ?? new Uint8Array()).subarray(OGG_FLAC_HEADER_BYTES), ...others]
  const stream = new Uint8Array(parts.reduce((length, part) => length + part.length, 0))
  let at = 0
  for (const part of parts) {
    stream.set(part, at)
    at += part.length
  }
  return stream
}

function describe(bytes: Uint8Array): string {
  const known = FOREIGN_FORMATS.find(([offset, magic]) => startsWith(bytes, offset, magic))
  if (known !== undefined) return known[2]
  const head = Array.from(bytes.subarray(0, 8), (byte) => byte.toString(16).padStart(2, '0')).join(' ')
  return `${bytes.length} bytes of unknown content (${head}${bytes.length > 8 ? ' ...' : ''})`
}

function startsWith(bytes: Uint8Array, offset: number, magic: string): boolean {
  return Array.from(magic).every((letter, i) => bytes[offset + i] === letter.charCodeAt(0))
}
