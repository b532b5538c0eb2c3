import { openFile, toPath } from '#fileSystem'
import { type ChannelSelector, mixChannels } from './channelSelection.js'
import { AudioArgumentError, AudioEmptyError, AudioRangeError, shown } from './errors.js'
import { readAudioClip } from './readAudio.js'
import { StreamingResampler } from './resample.js'
import { decodeWavFrames } from './wavDecode.js'
import { isWav, parseWavHeader } from './wavHeader.js'

/** Options of {@link streamAudio}. */
export interface StreamAudioOptions {
  /** Rate wanted, in Hz; the audio is resampled when its own differs. */
  readonly sampleRate: number
  /** Default: the mean of all channels. */
  readonly channels?: ChannelSelector | undefined
  /** Seconds to skip. Default 0. */
  readonly offset?: number | undefined
  /** Seconds to read; undefined or 0: to the end. */
  readonly duration?: number | undefined
  /** Seconds read at a time. Default 10. */
  readonly blockSeconds?: number | undefined
  /** Use what there is of a file that ends early. Default false. */
  readonly allowTruncated?: boolean | undefined
}

const FORMAT_PROBE_BYTES = 12

/**
 * The samples of an audio file in blocks, joined as `readAudio` gives them. A WAV file of any length takes the memory of a
 * block; files of other formats are decoded as a whole first.
 *
 * @throws AudioFileError, AudioEmptyError, AudioFormatError, AudioTruncatedError; AudioRangeError for an offset past the end or
 * a channel that is not there.
 */
export async function* streamAudio(path: string | URL, options: StreamAudioOptions): AsyncGenerator<Float32Array> {
  const { offset = 0, duration = 0, blockSeconds = 10 } = options
  const source = toPath(path)
  for (const [name, value] of Object.entries({ offset, duration, blockSeconds })) {
    if (!(value >= 0 && Number.isFinite(value)))
      throw new AudioArgumentError(`expected ${name} of at least 0 s, found ${shown(value)}.`, { source })
  }
  let resampler: StreamingResampler | undefined
  let heard = 0
  for await (const { samples, sampleRate } of blocksOf(source, { ...options, offset, duration, blockSeconds })) {
    resampler ??= new StreamingResampler(sampleRate, options.sampleRate)
    heard += samples.length
    const block = resampler.push(samples)
    if (block.length > 0) yield block
  }
  if (heard === 0 || resampler === undefined)
    throw new AudioEmptyError('expected audio, found a file without samples. Check how it was made.', { source })
  const rest = resampler.flush()
  if (rest.length > 0) yield rest
}

interface Block {
  readonly samples: Float32Array
  readonly sampleRate: number
}

type FullOptions = StreamAudioOptions & {
  readonly offset: number
  readonly duration: number
  readonly blockSeconds: number
}

async function* blocksOf(source: string, options: FullOptions): AsyncGenerator<Block> {
  const file = await openFile(source)
  try {
    if (!isWav(await file.read(0, FORMAT_PROBE_BYTES))) {
      const { offset, duration, allowTruncated, channels } = options
      const clip = await readAudioClip(source, { offset, duration, allowTruncated })
      yield { samples: mixChannels(clip, channels), sampleRate: clip.sampleRate }
      return
    }
    const header = await parseWavHeader(file, { source, allowTruncated: options.allowTruncated })
    const { sampleRate, frames, bytesPerFrame, dataOffset } = header
    const first = Math.floor(options.offset * sampleRate)
    if (first > 0 && first >= frames)
      throw new AudioRangeError(
        `the offset of ${options.offset} s lies at or past the end of the audio (${frames / sampleRate} s). Correct the offset.`,
        { source },
      )
    const wanted = options.duration > 0 ? Math.floor(options.duration * sampleRate) : Number.POSITIVE_INFINITY
    const end = Math.min(frames, first + wanted)
    const step = Math.max(1, Math.round(options.blockSeconds * sampleRate))
    for (let start = first; start < end; start += step) {
      const count = Math.min(step, end - start)
      const bytes = await file.read(dataOffset + start * bytesPerFrame, count * bytesPerFrame)
      const clip = { sampleRate, channels: decodeWavFrames(bytes, header) }
      yield { samples: mixChannels(clip, options.channels), sampleRate }
    }
  } finally {
    await file.close()
  }
}
