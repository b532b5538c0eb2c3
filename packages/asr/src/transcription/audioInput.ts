import { type AudioClip, type ChannelSelector, mixChannels, readAudioClip, resample } from '@nemo/audio'
import { AsrError } from '../errors.js'

/** Mono samples with their rate, such as an `AudioSegment`. */
export interface AudioSamples {
  /** `[T]`, full scale is [-1, 1]. */
  readonly samples: Float32Array
  /** In Hz; audio of another rate than the model's is resampled. */
  readonly sampleRate: number
}

/** A part of an audio file, such as a `ManifestEntry`. */
export interface AudioPart {
  readonly audioFile: string
  /** Seconds to skip. Default 0. */
  readonly offset?: number | undefined
  /** Seconds to use; 0 or undefined: to the end. */
  readonly duration?: number | undefined
  /** Channels to use of this file. Default: what the call says. */
  readonly channels?: ChannelSelector | undefined
}

/** Audio to transcribe: a file or a part of one (a line of a manifest), or samples: mono ones at the model's rate, or with their rate. */
export type AudioInput = string | URL | AudioPart | Float32Array | AudioSamples | AudioClip

/** Mono samples of an input at a rate. @throws AudioError, AsrError for empty samples. */
export async function readAudioInput(
  audio: AudioInput,
  sampleRate: number,
  channels: ChannelSelector = 'average',
): Promise<Float32Array> {
  const clip = await clipOf(audio, sampleRate)
  const selector = isPart(audio) ? (audio.channels ?? channels) : channels
  const samples = mixChannels(clip, selector)
  if (samples.length === 0)
    throw new AsrError('NEMO_ASR_EMPTY_AUDIO', `transcribe: ${describeAudio(audio)} has no samples.`)
  return clip.sampleRate === sampleRate ? samples : resample(samples, clip.sampleRate, sampleRate)
}

async function clipOf(audio: AudioInput, sampleRate: number): Promise<AudioClip> {
  if (audio instanceof Float32Array) return { sampleRate, channels: [audio] }
  if (typeof audio === 'string' || audio instanceof URL) return readAudioClip(audio)
  if (isPart(audio)) return readAudioClip(audio.audioFile, { offset: audio.offset, duration: audio.duration })
  if ('channels' in audio) return audio
  if (audio.samples instanceof Float32Array) return { sampleRate: audio.sampleRate, channels: [audio.samples] }
  const message = `transcribe: expected a path, samples, a clip or a part of a file, found ${JSON.stringify(audio)?.slice(0, 80)}.`
  throw new AsrError('NEMO_ASR_AUDIO_INPUT', message)
}

/** Whether an input is a part of a file. */
export function isPart(audio: AudioInput): audio is AudioPart {
  return typeof audio === 'object' && 'audioFile' in audio
}

/** An input's name in messages. */
export function describeAudio(audio: AudioInput): string {
  if (typeof audio === 'string' || audio instanceof URL) return String(audio)
  return isPart(audio) ? audio.audioFile : 'the audio in memory'
}
