import { AudioFormatError, AudioTruncatedError, shown } from './errors.js'

/** How a WAV file stores one sample. */
export type WavEncoding = 'pcm8' | 'pcm16' | 'pcm24' | 'pcm32' | 'float32' | 'float64' | 'alaw' | 'mulaw'

/** What the chunks before the samples of a WAV file say. */
export interface WavHeader {
  readonly encoding: WavEncoding
  /** In Hz. */
  readonly sampleRate: number
  readonly channels: number
  /** Bytes of one sample of all channels. */
  readonly bytesPerFrame: number
  /** Where the samples start, in bytes from the start of the file. */
  readonly dataOffset: number
  /** Whole frames present. */
  readonly frames: number
  /** True when the file ends before its data chunk does and that was allowed. */
  readonly truncated: boolean
}

/** Options of {@link parseWavHeader}. */
export interface WavHeaderOptions {
  /** Named in errors. */
  readonly source?: string | undefined
  /** Accept a file that ends before its data chunk does and use what is there. Default false. */
  readonly allowTruncated?: boolean | undefined
}

/** Random access to `size` bytes: a file, or bytes in memory. */
export interface ByteSource {
  readonly size: number
  /** Up to `length` bytes from `offset`; fewer only at the end. */
  read(offset: number, length: number): Uint8Array | Promise<Uint8Array>
}

const FORMAT_PCM = 0x0001
const FORMAT_FLOAT = 0x0003
const FORMAT_ALAW = 0x0006
const FORMAT_MULAW = 0x0007
const FORMAT_EXTENSIBLE = 0xfffe
/** Bytes 2 to 15 of the SubFormat GUIDs that stand for a plain format tag. */
const SUBFORMAT_TAIL = [0x00, 0x00, 0x00, 0x00, 0x10, 0x00, 0x80, 0x00, 0x00, 0xaa, 0x00, 0x38, 0x9b, 0x71]
const FORMAT_NAMES: Readonly<Record<number, string>> = {
  2: 'Microsoft ADPCM',
  17: 'IMA ADPCM',
  49: 'GSM 6.10',
  80: 'MPEG audio',
  85: 'MP3',
  353: 'Windows Media Audio',
}

const CHUNK_HEADER_BYTES = 8
/** fmt chunks are 16, 18 or 40 bytes; a little slack for writers that append. */
const MAX_FORMAT_BYTES = 256
/** A file of more chunks than this before its samples is not one that a person made. */
const MAX_CHUNKS = 10_000
/** Writers that cannot seek leave their largest size here; SoX leaves 0x7ffff000 less the header. */
const STREAMED_SIZE = 0x7fff_0000
const UNKNOWN_SIZE = 0xffff_ffff

/** True when `bytes` starts like a RIFF, RF64 or BW64 WAVE file. */
export function isWav(bytes: Uint8Array): boolean {
  const id = ascii(bytes, 0)
  return (id === 'RIFF' || id === 'RF64' || id === 'BW64') && ascii(bytes, 8) === 'WAVE'
}

/**
 * Reads the chunks of a WAV file up to its samples.
 *
 * PCM of 8 to 32 bits, float of 32 or 64 bits, A-law and mu-law, plain or WAVE_FORMAT_EXTENSIBLE, RIFF, RF64 and BW64.
 * A data size of 0xFFFFFFFF, or the placeholders that streaming writers leave (0 with an unset RIFF size, 0x7fff0000
 * and above), means "to the end of the file". An incomplete last frame is dropped.
 *
 * @throws AudioFormatError when the chunks contradict the format, AudioTruncatedError when the file ends early.
 *
 * Source: Microsoft/IBM "Multimedia Programming Interface and Data Specifications 1.0"; EBU Tech 3306 (RF64).
 */
export async function parseWavHeader(input: ByteSource, options: WavHeaderOptions = {}): Promise<WavHeader> {
  const scan = scanWavChunks(input.size, options)
  let request = scan.next()
  while (!request.done) request = scan.next(await input.read(request.value.offset, request.value.length))
  return request.value
}

/** {@link parseWavHeader} on bytes in memory, without a promise. */
export function parseWavHeaderBytes(bytes: Uint8Array, options: WavHeaderOptions = {}): WavHeader {
  const scan = scanWavChunks(bytes.length, options)
  let request = scan.next()
  while (!request.done) {
    const { offset, length } = request.value
    request = scan.next(bytes.subarray(offset, offset + length))
  }
  return request.value
}

interface Format {
  readonly encoding: WavEncoding
  readonly sampleRate: number
  readonly channels: number
  readonly bytesPerFrame: number
}

/** A coroutine that asks for byte ranges, so that files and memory share one parser. */
function* scanWavChunks(
  size: number,
  options: WavHeaderOptions,
): Generator<{ offset: number; length: number }, WavHeader, Uint8Array> {
  const { source } = options
  const start = yield { offset: 0, length: 12 }
  if (!isWav(start)) {
    throw new AudioFormatError('expected a WAV file (RIFF....WAVE), found other bytes. Check the file.', { source })
  }
  const riffSize = view(start).getUint32(4, true)
  let format: Format | undefined
  let data64: number | undefined
  let offset = 12
  for (let chunks = 0; offset + CHUNK_HEADER_BYTES <= size && chunks < MAX_CHUNKS; chunks++) {
    const header = yield { offset, length: CHUNK_HEADER_BYTES }
    const id = ascii(header, 0)
    const length = view(header).getUint32(4, true)
    const body = offset + CHUNK_HEADER_BYTES
    if (id === 'data') {
      if (format === undefined) {
        throw new AudioFormatError('the data chunk comes before any "fmt " chunk. Rewrite the file with a WAV tool.', {
          source,
        })
      }
      return dataHeader(format, { body, length: data64 ?? length, riffSize, size }, options)
    }
    if (id === 'fmt ') {
      format = parseFormat(yield { offset: body, length: Math.min(length, MAX_FORMAT_BYTES) }, source)
    } else if (id === 'ds64' && length >= 16) {
      const bytes = yield { offset: body, length: 16 }
      if (bytes.length === 16) data64 = Number(view(bytes).getBigUint64(8, true))
    }
    // Chunks start at even offsets.
    offset = body + length + (length % 2)
  }
  throw new AudioTruncatedError(
    `expected ${format === undefined ? '"fmt " and data chunks' : 'a data chunk'}, found the end of the file after ${size} bytes. Fetch or write the file again.`,
    { source },
  )
}

function dataHeader(
  format: Format,
  at: { body: number; length: number; riffSize: number; size: number },
  options: WavHeaderOptions,
): WavHeader {
  const present = at.size - at.body
  const streamed =
    at.length === UNKNOWN_SIZE ||
    (at.length >= STREAMED_SIZE && at.length <= UNKNOWN_SIZE && at.length > present) ||
    (at.length === 0 && present > 0 && (at.riffSize === 0 || at.riffSize === UNKNOWN_SIZE || at.riffSize <= at.body))
  const truncated = !streamed && at.length > present
  if (truncated && options.allowTruncated !== true) {
    throw new AudioTruncatedError(
      `expected ${at.length} bytes of samples, found ${present}. Fetch or write the file again, or pass allowTruncated to use what is there.`,
      { source: options.source },
    )
  }
  const bytes = streamed || truncated ? present : at.length
  return {
    ...format,
    dataOffset: at.body,
    frames: Math.floor(bytes / format.bytesPerFrame),
    truncated,
  }
}

function parseFormat(bytes: Uint8Array, source: string | undefined): Format {
  if (bytes.length < 16) {
    throw new AudioTruncatedError(`expected a "fmt " chunk of at least 16 bytes, found ${bytes.length}.`, { source })
  }
  const fields = view(bytes)
  let tag = fields.getUint16(0, true)
  const channels = fields.getUint16(2, true)
  const sampleRate = fields.getUint32(4, true)
  const blockAlign = fields.getUint16(12, true)
  const bits = fields.getUint16(14, true)
  if (tag === FORMAT_EXTENSIBLE) {
    if (bytes.length < 40) {
      throw new AudioFormatError(
        `expected 40 bytes in an extensible "fmt " chunk, found ${bytes.length}. Rewrite the file with a WAV tool.`,
        { source },
      )
    }
    if (!SUBFORMAT_TAIL.every((byte, i) => bytes[26 + i] === byte)) {
      throw new AudioFormatError('the extensible "fmt " chunk names an unknown SubFormat. Convert to 16-bit PCM.', {
        source,
      })
    }
    tag = fields.getUint16(24, true)
  }
  if (channels === 0 || sampleRate === 0) {
    throw new AudioFormatError(
      `expected a positive channel count and sample rate, found ${channels} channel(s) at ${sampleRate} Hz.`,
      { source },
    )
  }
  // The container of a sample: 20 valid bits may sit in 24 or 32. Some writers leave blockAlign unset.
  const bytesPerSample = blockAlign === 0 ? Math.ceil(bits / 8) : blockAlign / channels
  const encoding = encodingOf(tag, bytesPerSample)
  if (encoding === undefined || bits > 8 * bytesPerSample || bits === 0) {
    throw new AudioFormatError(
      `unsupported WAV encoding: format ${shown(FORMAT_NAMES[tag] ?? `0x${tag.toString(16)}`)}, ${bits} bits in ${bytesPerSample} byte(s) a sample, ${channels} channel(s). Convert to 16-bit PCM.`,
      { source },
    )
  }
  return { encoding, sampleRate, channels, bytesPerFrame: bytesPerSample * channels }
}

function encodingOf(tag: number, bytesPerSample: number): WavEncoding | undefined {
  switch (tag) {
    case FORMAT_PCM:
      return ({ 1: 'pcm8', 2: 'pcm16', 3: 'pcm24', 4: 'pcm32' } as const)[bytesPerSample]
    case FORMAT_FLOAT:
      return ({ 4: 'float32', 8: 'float64' } as const)[bytesPerSample]
    case FORMAT_ALAW:
      return bytesPerSample === 1 ? 'alaw' : undefined
    case FORMAT_MULAW:
      return bytesPerSample === 1 ? 'mulaw' : undefined
    default:
      return undefined
  }
}

function ascii(bytes: Uint8Array, offset: number): string {
  return String.fromCharCode(...bytes.subarray(offset, offset + 4))
}

function view(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}
