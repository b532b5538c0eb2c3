import { openFile, readBytes, toPath } from '#fileSystem'
import { type AudioClip, clipLength, mixToMono, selectChannel } from './audioClip.js'
import { AudioSegment } from './audioSegment.js'
import { decodeAudio } from './decodeAudio.js'
import { AudioArgumentError, AudioEmptyError, AudioRangeError, SampleRateError, shown } from './errors.js'
import { resample } from './resample.js'
import { trimSilence } from './trimSilence.js'
import { decodeWavFrames } from './wavDecode.js'
import { type ByteSource, isWav, parseWavHeader } from './wavHeader.js'

/** Options of {@link readAudioClip}. */
export interface ReadAudioClipOptions {
  /** Seconds to skip. Default 0. */
  readonly offset?: number | undefined
  /** Seconds to read; undefined, 0 or negative: to the end, as in NeMo. */
  readonly duration?: number | undefined
  /** Use what there is of a file that ends early. Default false. */
  readonly allowTruncated?: boolean | undefined
  /** Bytes of the file that are the audio file, such as a member of a tar archive. Default: all. */
  readonly section?: FileSection | undefined
}

/** Options of {@link readAudio}. */
export interface ReadAudioOptions extends ReadAudioClipOptions {
  /** Rate wanted, in Hz; the audio is resampled when its own differs. Default: its own. */
  readonly sampleRate?: number | undefined
  /** Refuse audio whose rate differs from `sampleRate` instead of resampling it. Default false. */
  readonly strictSampleRate?: boolean | undefined
  /** 0-based channel to use. Default: the mean of all channels. */
  readonly channel?: number | undefined
  /** Cut silence from both ends, after resampling. Default false. */
  readonly trim?: boolean | undefined
  /** What counts as silence, in dB below the loudest frame. Default 60. */
  readonly trimDb?: number | undefined
  /** Rate to note as the recording's own, in Hz. Default: the file's rate after resampling, as in NeMo. */
  readonly origSr?: number | undefined
}

/** A range of a file's bytes. */
export interface FileSection {
  readonly start: number
  readonly end: number
}

const FORMAT_PROBE_BYTES = 12

/**
 * Reads an audio file as mono samples. Of a WAV file only the bytes between `offset` and `offset + duration` are read.
 *
 * Times become whole samples of the file by truncation: floor(seconds * rate). Audio that ends before
 * `offset + duration` gives what there is.
 *
 * @param path - A path, with `~` for the home folder, or a `file:` URL; in a browser, any URL that `fetch` takes.
 * @throws AudioFileError, AudioEmptyError, AudioFormatError, AudioTruncatedError, SampleRateError; AudioRangeError for
 * an offset at or past the end, or a channel that is not there.
 *
 * Source: NeMo v1.0.0 AudioSegment.from_file. Differs: channels are averaged per sample (NeMo averages stereo over time, a bug).
 */
export async function readAudio(path: string | URL, options: ReadAudioOptions = {}): Promise<AudioSegment> {
  const clip = await readAudioClip(path, options)
  const source = toPath(path)
  const { sampleRate = clip.sampleRate } = options
  if (options.strictSampleRate && sampleRate !== clip.sampleRate) {
    throw new SampleRateError(
      `expected ${sampleRate} Hz, found ${clip.sampleRate} Hz. Resample the file, or allow resampling.`,
      { source },
    )
  }
  const samples = options.channel === undefined ? mixToMono(clip) : channelOf(clip, options.channel, source)
  const resampled = sampleRate === clip.sampleRate ? samples : resample(samples, clip.sampleRate, sampleRate)
  const trimmed = options.trim ? trimSilence(resampled, { topDb: options.trimDb }).slice() : resampled
  return new AudioSegment(trimmed, sampleRate, { origSr: options.origSr })
}

/**
 * Reads an audio file with all of its channels at its own rate; see {@link readAudio} for times and errors.
 */
export async function readAudioClip(path: string | URL, options: ReadAudioClipOptions = {}): Promise<AudioClip> {
  const source = toPath(path)
  checkTimes(options, source)
  const clip = await (options.section ? readSection(source, options.section, options) : readWhole(source, options))
  if (clipLength(clip) === 0) {
    throw new AudioEmptyError('expected audio, found a file without samples. Check how it was made.', { source })
  }
  return clip
}

async function readWhole(source: string, options: ReadAudioClipOptions): Promise<AudioClip> {
  const { allowTruncated } = options
  return (
    (await readWavPart(source, options)) ??
    cut(await decodeAudio(await readBytes(source), { source, allowTruncated }), options, source)
  )
}

async function readSection(
  source: string,
  { start, end }: FileSection,
  options: ReadAudioClipOptions,
): Promise<AudioClip> {
  const file = await openFile(source)
  try {
    const bytes = await file.read(start, end - start)
    const { allowTruncated } = options
    return cut(await decodeAudio(bytes, { source, allowTruncated }), options, source)
  } finally {
    await file.close()
  }
}

/** Undefined when the file is no WAV. */
async function readWavPart(source: string, options: ReadAudioClipOptions): Promise<AudioClip | undefined> {
  const file = await openFile(source)
  try {
    if (!isWav(await file.read(0, FORMAT_PROBE_BYTES))) return undefined
    return await decodeWavPart(file, options, source)
  } finally {
    await file.close()
  }
}

async function decodeWavPart(file: ByteSource, options: ReadAudioClipOptions, source: string): Promise<AudioClip> {
  const header = await parseWavHeader(file, { source, allowTruncated: options.allowTruncated })
  const { first, count } = frameRange(header.frames, header.sampleRate, options, source)
  const bytes = await file.read(header.dataOffset + first * header.bytesPerFrame, count * header.bytesPerFrame)
  return { sampleRate: header.sampleRate, channels: decodeWavFrames(bytes, header) }
}

function cut(clip: AudioClip, options: ReadAudioClipOptions, source: string): AudioClip {
  const length = clipLength(clip)
  const { first, count } = frameRange(length, clip.sampleRate, options, source)
  if (first === 0 && count === length) return clip
  return { ...clip, channels: clip.channels.map((samples) => samples.slice(first, first + count)) }
}

function frameRange(
  frames: number,
  sampleRate: number,
  options: ReadAudioClipOptions,
  source: string,
): { first: number; count: number } {
  const { offset = 0, duration = 0 } = options
  const first = Math.floor(offset * sampleRate)
  if (first > 0 && first >= frames) {
    throw new AudioRangeError(
      `the offset of ${offset} s lies at or past the end of the audio (${frames / sampleRate} s). Correct the offset.`,
      { source },
    )
  }
  const wanted = duration > 0 ? Math.floor(duration * sampleRate) : Number.POSITIVE_INFINITY
  return { first, count: Math.min(wanted, frames - first) }
}

function checkTimes(options: ReadAudioClipOptions, source: string): void {
  const { offset = 0, duration = 0 } = options
  if (!(offset >= 0 && Number.isFinite(offset)) || !Number.isFinite(duration)) {
    throw new AudioArgumentError(
      `expected a finite offset of at least 0 s and a finite duration, found offset ${shown(offset)}, duration ${shown(duration)}.`,
      { source },
    )
  }
}

function channelOf(clip: AudioClip, channel: number, source: string): Float32Array {
  try {
    return selectChannel(clip, channel)
  } catch (error) {
    throw error instanceof AudioRangeError ? new AudioRangeError(error.message, { source }) : error
  }
}
