/** Options of {@link trimSilence}. */
export interface TrimSilenceOptions {
  /** Frames at or below the loudest frame less this many dB are silent. Default 60. */
  readonly topDb?: number | undefined
  /** Samples per frame. Default 2048. */
  readonly frameLength?: number | undefined
  /** Samples between frames. Default 512. */
  readonly hopLength?: number | undefined
}

/** Powers below this count as this. */
const MIN_POWER = 1e-10

/**
 * Where the audio is not silent: samples `[start, end)`, of whole hops except at the end of the audio.
 *
 * Frames are centred on multiples of the hop, reflecting at the edges. Audio of a single level, all zeros included, is
 * kept whole. No samples give an empty range.
 *
 * Source: librosa 0.8 `effects.trim` with `ref=numpy.max`, which NeMo v1.0.0's AudioSegment uses for `trim=True`.
 */
export function nonSilentRange(
  samples: Float32Array,
  options: TrimSilenceOptions = {},
): { start: number; end: number } {
  const { topDb = 60, frameLength = 2048, hopLength = 512 } = options
  if (samples.length === 0) return { start: 0, end: 0 }
  const power = framePower(samples, frameLength, hopLength)
  const loudest = power.reduce((a, b) => Math.max(a, b), MIN_POWER)
  const reference = 10 * Math.log10(loudest)
  const isLoud = (value: number) => 10 * Math.log10(Math.max(MIN_POWER, value)) - reference > -topDb
  const first = power.findIndex(isLoud)
  if (first < 0) return { start: 0, end: 0 }
  const last = power.findLastIndex(isLoud)
  return { start: first * hopLength, end: Math.min(samples.length, (last + 1) * hopLength) }
}

/** The samples without the silence before and after them; see {@link nonSilentRange}. Shares memory with `samples`. */
export function trimSilence(samples: Float32Array, options: TrimSilenceOptions = {}): Float32Array {
  const { start, end } = nonSilentRange(samples, options)
  return samples.subarray(start, end)
}

/** Mean square of each centred frame. */
function framePower(samples: Float32Array, frameLength: number, hopLength: number): Float64Array {
  const half = Math.floor(frameLength / 2)
  const paddedLength = samples.length + 2 * half
  const frames = 1 + Math.floor((paddedLength - frameLength) / hopLength)
  // Running sums of squares: sums[i] covers padded samples [0, i).
  const sums = new Float64Array(paddedLength + 1)
  for (let i = 0; i < paddedLength; i++) {
    const sample = samples[reflect(i - half, samples.length)]!
    sums[i + 1] = sums[i]! + sample * sample
  }
  return Float64Array.from({ length: frames }, (_, frame) => {
    const start = frame * hopLength
    return Math.max(0, sums[start + frameLength]! - sums[start]!) / frameLength
  })
}

/** The index that `index` stands for when the edges mirror without repeating the edge sample. */
function reflect(index: number, length: number): number {
  if (index >= 0 && index < length) return index
  if (length === 1) return 0
  const period = 2 * (length - 1)
  const phase = ((index % period) + period) % period
  return phase < length ? phase : period - phase
}
