/**
 * Audio of a given length: a piece from a place drawn at random, or the audio repeated as often as it fits and then its own end.
 *
 * @param place - Where the piece begins, from 0 to below 1.
 *
 * Source: NeMo v1.0.0 `_fixed_seq_collate_fn`, `repeat_signal`.
 */
export function fixedLengthAudio(samples: Float32Array, length: number, place: number): Float32Array {
  if (samples.length >= length) {
    const start = Math.floor(place * (samples.length - length))
    return samples.subarray(start, start + length)
  }
  const filled = new Float32Array(length)
  if (samples.length === 0) return filled
  const whole = length - (length % samples.length)
  for (let start = 0; start < whole; start += samples.length) filled.set(samples, start)
  filled.set(samples.subarray(samples.length - (length - whole)), whole)
  return filled
}

/** How long windows are and how far apart. */
export interface WindowOptions {
  /** Seconds. */
  readonly windowSeconds: number
  /** Seconds. */
  readonly shiftSeconds: number
}

/** A stretch of time. */
export interface TimeWindow {
  /** Seconds. */
  readonly start: number
  /** Seconds. */
  readonly end: number
}

/**
 * Windows that cover a stretch of time; the last one ends with it and may be shorter.
 *
 * Source: NeMo v1.0.0 `get_time_stamps`, whose times have three decimals in files.
 */
export function timeWindows(
  start: number,
  duration: number,
  { windowSeconds, shiftSeconds }: WindowOptions,
): TimeWindow[] {
  // Sums of decimal fractions of a second miss whole numbers by a little.
  const beyond = Math.ceil((duration - windowSeconds) / shiftSeconds - 1e-9)
  const count = beyond < 0 ? 1 : beyond + 1
  return Array.from({ length: count }, (_, i) => {
    const from = start + i * shiftSeconds
    return { start: from, end: Math.min(from + windowSeconds, start + duration) }
  })
}

/**
 * Windows of equal length that cover audio; one that goes beyond its end is filled by repeating it.
 *
 * Source: NeMo v1.0.0 `_sliced_seq_collate_fn`.
 */
export function slicedAudio(
  samples: Float32Array,
  sampleRate: number,
  { windowSeconds, shiftSeconds }: WindowOptions,
): Float32Array[] {
  const [length, shift] = [Math.trunc(windowSeconds * sampleRate), Math.trunc(shiftSeconds * sampleRate)]
  return timeWindows(0, samples.length / sampleRate, { windowSeconds, shiftSeconds }).flatMap((_, i) => {
    const slice = samples.subarray(i * shift, i * shift + length)
    return slice.length === 0 && i > 0 ? [] : [fixedLengthAudio(slice, length, 0)]
  })
}

/**
 * A window around each frame: frame i is the middle of window i; beyond the ends lies silence. Audio shorter than a window has
 * windows of its own length.
 *
 * Source: NeMo v1.0.0 `_vad_frame_seq_collate_fn`.
 */
export function frameWindows(
  samples: Float32Array,
  sampleRate: number,
  { windowSeconds, shiftSeconds }: WindowOptions,
): Float32Array[] {
  const length = Math.min(Math.trunc(windowSeconds * sampleRate), samples.length)
  const shift = Math.trunc(shiftSeconds * sampleRate)
  const padded = new Float32Array(samples.length + length)
  padded.set(samples, length >> 1)
  const count = Math.floor(samples.length / shift)
  return Array.from({ length: count }, (_, i) => padded.subarray(i * shift, i * shift + length))
}

/** Audio without its mean, scaled to a peak of 1; silence stays as it is. Source: NeMo v1.0.0 `normalize`. */
export function normalizedAudio(samples: Float32Array): Float32Array {
  let sum = 0
  for (const sample of samples) sum += sample
  const mean = samples.length === 0 ? 0 : sum / samples.length
  let peak = 0
  for (const sample of samples) peak = Math.max(peak, Math.abs(sample - mean))
  return peak === 0 ? samples : samples.map((sample) => (sample - mean) / peak)
}
