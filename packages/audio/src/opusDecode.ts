import { type AudioClip, clipLength } from './audioClip.js'
import { AudioFormatError, AudioTruncatedError } from './errors.js'
import { toWavOrder } from './oggChannelOrder.js'
import { readOggStream } from './oggPackets.js'

/** Opus is always decoded at this rate, in Hz, whatever rate was encoded. */
const OPUS_SAMPLE_RATE = 48_000
/** Longest packet of one stream by RFC 6716, and the size of the decoder's input buffer per channel. */
const MAX_PACKET_BYTES_PER_CHANNEL = 3840
const HEAD_MAGIC = 'OpusHead'
const HEADER_PACKETS = 2

interface OpusHead {
  readonly channels: number
  readonly preSkip: number
  /** Linear factor for every sample. */
  readonly gain: number
  readonly streamCount: number
  readonly coupledStreamCount: number
  readonly mapping: number[]
}

/** True when `packet` is the identification header of an Opus stream. */
export function isOpusHead(packet: Uint8Array): boolean {
  return String.fromCharCode(...packet.subarray(0, 8)) === HEAD_MAGIC
}

/**
 * Decodes an Ogg Opus file to 48 kHz, with pre-skip, end trimming and output gain applied.
 *
 * @throws AudioFormatError or AudioTruncatedError.
 *
 * Source: RFC 7845; libopus through the package `opus-decoder`, loaded at the first call.
 */
export async function decodeOpus(
  bytes: Uint8Array,
  options: { readonly source?: string | undefined; readonly allowTruncated?: boolean | undefined } = {},
): Promise<AudioClip> {
  const { source } = options
  const stream = readOggStream(bytes, options)
  const head = parseHead(stream.packets[0] ?? new Uint8Array(), source)
  if (!stream.ended && !options.allowTruncated) {
    throw new AudioTruncatedError(
      'the Ogg stream ends without its last page. Fetch or write the file again, or pass allowTruncated.',
      { source },
    )
  }
  const packets = stream.packets.slice(HEADER_PACKETS)
  const clip = await decodePackets(packets, head, source)
  // The last granule position counts samples from the start, pre-skip included; what the last packet holds beyond it is padding.
  const wanted = stream.lastGranule >= 0 && stream.ended ? stream.lastGranule - head.preSkip : clipLength(clip)
  const length = Math.max(0, Math.min(wanted, clipLength(clip)))
  return {
    sampleRate: OPUS_SAMPLE_RATE,
    channels: clip.channels.map((samples) => {
      const kept = samples.slice(0, length)
      if (head.gain !== 1) for (let t = 0; t < length; t++) kept[t] = kept[t]! * head.gain
      return kept
    }),
  }
}

async function decodePackets(
  packets: readonly Uint8Array[],
  head: OpusHead,
  source: string | undefined,
): Promise<AudioClip> {
  const tooLong = packets.find((packet) => packet.length > MAX_PACKET_BYTES_PER_CHANNEL * head.channels)
  if (tooLong !== undefined) {
    throw new AudioFormatError(`an Opus packet of ${tooLong.length} bytes is longer than the codec allows.`, { source })
  }
  const { OpusDecoder } = await import('opus-decoder')
  const decoder = new OpusDecoder({
    channels: head.channels,
    streamCount: head.streamCount,
    coupledStreamCount: head.coupledStreamCount,
    channelMappingTable: head.mapping,
    preSkip: head.preSkip,
  })
  await decoder.ready
  try {
    const parts: Float32Array[][] = []
    for (const [number, packet] of packets.entries()) {
      // The decoder prints errors on the console; an empty or reserved packet would be one.
      const decoded = packet.length === 0 ? undefined : decoder.decodeFrame(packet)
      if (decoded === undefined || decoded.errors.length > 0) {
        throw new AudioFormatError(
          `Opus packet ${number} cannot be decoded: ${decoded?.errors[0]?.message ?? 'it is empty'}. Fetch the file again.`,
          { source },
        )
      }
      parts.push(decoded.channelData)
    }
    return { sampleRate: OPUS_SAMPLE_RATE, channels: joinChannels(parts, head.channels) }
  } finally {
    decoder.free()
  }
}

function joinChannels(parts: readonly Float32Array[][], channels: number): Float32Array[] {
  const length = parts.reduce((sum, part) => sum + (part[0]?.length ?? 0), 0)
  return Array.from({ length: channels }, (_, c) => {
    const samples = new Float32Array(length)
    let at = 0
    for (const part of parts) {
      const channel = part[c]
      if (channel === undefined) continue
      samples.set(channel, at)
      at += channel.length
    }
    return samples
  })
}

function parseHead(packet: Uint8Array, source: string | undefined): OpusHead {
  if (!isOpusHead(packet) || packet.length < 19) {
    throw new AudioFormatError(`expected an OpusHead packet of at least 19 bytes, found ${packet.length} bytes.`, {
      source,
    })
  }
  const view = new DataView(packet.buffer, packet.byteOffset, packet.byteLength)
  const version = view.getUint8(8)
  const channels = view.getUint8(9)
  const preSkip = view.getUint16(10, true)
  const gain = 10 ** (view.getInt16(16, true) / 256 / 20)
  const family = view.getUint8(18)
  if (version >> 4 !== 0 || channels === 0 || (family === 0 && channels > 2)) {
    throw new AudioFormatError(
      `unsupported OpusHead: version ${version}, ${channels} channel(s), mapping family ${family}.`,
      { source },
    )
  }
  if (family === 0) {
    const mapping = channels === 2 ? [0, 1] : [0]
    return { channels, preSkip, gain, streamCount: 1, coupledStreamCount: channels - 1, mapping }
  }
  if (packet.length < 21 + channels) {
    throw new AudioFormatError(`the OpusHead of ${channels} channels is cut short at ${packet.length} bytes.`, {
      source,
    })
  }
  const streamCount = view.getUint8(19)
  const coupledStreamCount = view.getUint8(20)
  const mapping = Array.from(packet.subarray(21, 21 + channels))
  const outputs = streamCount + coupledStreamCount
  if (streamCount === 0 || coupledStreamCount > streamCount || mapping.some((m) => m !== 255 && m >= outputs)) {
    throw new AudioFormatError(
      `the OpusHead maps ${channels} channels to ${streamCount} streams, ${coupledStreamCount} of them coupled, which cannot be.`,
      { source },
    )
  }
  return {
    channels,
    preSkip,
    gain,
    streamCount,
    coupledStreamCount,
    mapping: family === 1 ? toWavOrder(mapping) : mapping,
  }
}
