import type { AudioClip } from './audioClip.js'
import { AudioFormatError, AudioTruncatedError, shown } from './errors.js'
import { decodeALaw, decodeMuLaw } from './g711.js'

/** Options of {@link decodeSphere}. */
export interface DecodeSphereOptions {
  /** Named in errors, such as the file's path. */
  readonly source?: string | undefined
  /** Use what there is of a file that ends early. Default false: AudioTruncatedError. */
  readonly allowTruncated?: boolean | undefined
}

const MAGIC = 'NIST_1A\n'

/** True when `bytes` starts as a NIST SPHERE file. */
export function isSphere(bytes: Uint8Array): boolean {
  return bytes.length >= 16 && Array.from(MAGIC).every((letter, i) => bytes[i] === letter.charCodeAt(0))
}

/**
 * Decodes a NIST SPHERE file, as corpora of the LDC, TIMIT and AN4 have them: 16-bit PCM of either byte order, mu-law and A-law.
 *
 * @throws AudioFormatError for a header that cannot be used and for compressed files (Shorten), AudioTruncatedError.
 */
export function decodeSphere(bytes: Uint8Array, options: DecodeSphereOptions = {}): AudioClip {
  const { source } = options
  const headerBytes = Number(ascii(bytes.subarray(8, 16)).trim())
  if (!Number.isInteger(headerBytes) || headerBytes < 16 || headerBytes > bytes.length)
    throw new AudioFormatError(`expected the size of a SPHERE header, found ${shown(headerBytes)}.`, { source })
  const fields = fieldsOf(ascii(bytes.subarray(16, headerBytes)))
  const number = (key: string, fallback?: number): number => {
    const value = Number(fields.get(key) ?? fallback)
    if (Number.isInteger(value) && value > 0) return value
    throw new AudioFormatError(`expected a positive ${key} in the SPHERE header, found ${shown(fields.get(key))}.`, {
      source,
    })
  }
  const channels = number('channel_count', 1)
  const sampleRate = number('sample_rate')
  const frames = number('sample_count')
  const coding = fields.get('sample_coding') ?? 'pcm'
  const order = fields.get('sample_byte_format') ?? '01'
  const width = number('sample_n_bytes', coding === 'pcm' ? 2 : 1)
  const read = readers[`${coding}/${width}`]
  if (!read)
    throw new AudioFormatError(
      `expected 16-bit pcm, ulaw or alaw, found ${shown(coding)} of ${width} byte(s). Convert it with sph2pipe or sox.`,
      { source },
    )
  const wanted = frames * channels * width
  const data = bytes.subarray(headerBytes, headerBytes + wanted)
  if (data.length < wanted && !options.allowTruncated)
    throw new AudioTruncatedError(`expected ${wanted} bytes of samples, found ${data.length}.`, { source })
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength)
  const present = Math.floor(data.length / (channels * width))
  const decoded = Array.from({ length: channels }, (_, c) =>
    Float32Array.from({ length: present }, (__, t) => read(view, (t * channels + c) * width, order === '01')),
  )
  return { sampleRate, channels: decoded }
}

type SampleReader = (view: DataView, at: number, littleEndian: boolean) => number

const readers: Readonly<Record<string, SampleReader>> = {
  'pcm/2': (view, at, littleEndian) => view.getInt16(at, littleEndian) / 0x8000,
  'ulaw/1': (view, at) => decodeMuLaw(view.getUint8(at)) / 0x8000,
  'mu-law/1': (view, at) => decodeMuLaw(view.getUint8(at)) / 0x8000,
  'alaw/1': (view, at) => decodeALaw(view.getUint8(at)) / 0x8000,
}

/** Lines `KEY -TYPE VALUE` up to `end_head`. */
function fieldsOf(header: string): Map<string, string> {
  const fields = new Map<string, string>()
  for (const line of header.split('\n')) {
    if (line.trim() === 'end_head') break
    const match = /^(\S+) -(?:i|r|s\d+) (.*)$/.exec(line)
    if (match) fields.set(match[1]!, match[2]!.trim())
  }
  return fields
}

const ascii = (bytes: Uint8Array): string => String.fromCharCode(...bytes)
