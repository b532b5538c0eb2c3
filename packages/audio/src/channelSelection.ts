import { type AudioClip, mixToMono, selectChannel } from './audioClip.js'
import { AudioArgumentError, shown } from './errors.js'

/**
 * Which channels of a recording to use: one by its 0-based number, the mean of several, or the mean of all.
 *
 * Source: NeMo's `channel_selector`.
 */
export type ChannelSelector = number | readonly number[] | 'average'

/**
 * The selected channels as mono samples, `[T]`.
 *
 * @param selector - Default `average`.
 * @throws AudioRangeError for a channel that is not there, AudioArgumentError for an empty list.
 */
export function mixChannels(clip: AudioClip, selector: ChannelSelector = 'average'): Float32Array {
  if (selector === 'average') return mixToMono(clip)
  if (typeof selector === 'number') return selectChannel(clip, selector)
  if (!Array.isArray(selector) || selector.length === 0)
    throw new AudioArgumentError(
      `expected a channel's number, a list of them or "average", found ${shown(selector)}. Numbers count from 0.`,
    )
  return mixToMono({ ...clip, channels: selector.map((channel: number) => selectChannel(clip, channel)) })
}
