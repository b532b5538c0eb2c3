import { AudioArgumentError, AudioRangeError } from './errors.js'

/**
 * Decoded audio of any number of channels, in WAV's order (left, right, centre, low frequency, back ...).
 *
 * `channels[c][t]` is sample `t` of channel `c`; full scale is [-1, 1]. All channels have one length.
 */
export interface AudioClip {
  /** Samples per second, in Hz. */
  readonly sampleRate: number
  readonly channels: readonly Float32Array[]
}

/** Samples per channel. */
export function clipLength(clip: AudioClip): number {
  return clip.channels[0]?.length ?? 0
}

/** Length in seconds. */
export function clipDuration(clip: AudioClip): number {
  return clipLength(clip) / clip.sampleRate
}

/** One channel by its 0-based number. @throws AudioRangeError when the clip has no such channel. */
export function selectChannel(clip: AudioClip, channel: number): Float32Array {
  const samples = clip.channels[channel]
  if (samples === undefined) {
    throw new AudioRangeError(
      `channel ${channel} does not exist: the audio has ${clip.channels.length} channel(s). Pick one of 0 to ${clip.channels.length - 1}.`,
    )
  }
  return samples
}

/**
 * The mean of all channels, `[T]`. A mono clip's samples are returned as they are, not copied.
 *
 * Differs from NeMo 1.0, whose AudioSegment averages stereo files over time and keeps two samples (a bug).
 */
export function mixToMono(clip: AudioClip): Float32Array {
  const [first, ...others] = clip.channels
  if (first === undefined) throw new AudioArgumentError('a clip needs at least one channel to mix, found none.')
  if (others.length === 0) return first
  const sums = Float64Array.from(first)
  for (const channel of others) {
    for (let t = 0; t < sums.length; t++) sums[t] = sums[t]! + (channel[t] ?? 0)
  }
  const mono = new Float32Array(sums.length)
  for (let t = 0; t < mono.length; t++) mono[t] = sums[t]! / clip.channels.length
  return mono
}
