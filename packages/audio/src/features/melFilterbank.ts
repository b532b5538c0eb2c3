import type { TensorData } from '@nemo/graph'
import { AudioArgumentError, shown } from '../errors.js'
import { hzToMel, type MelScale, melToHz } from './melScale.js'

/** What a mel filterbank depends on. */
export interface MelFilterbankOptions {
  /** Hz */
  readonly sampleRate: number
  /** Samples of the Fourier transform. */
  readonly fftSize: number
  /** Number of triangular filters. */
  readonly melBins: number
  /** Lower edge of the first filter, Hz. Default 0. */
  readonly lowHz?: number
  /** Upper edge of the last filter, Hz. Default half the sample rate. */
  readonly highHz?: number
  /** Default slaney. */
  readonly scale?: MelScale
  /** `slaney`: every filter has unit area per Hz. Default slaney. */
  readonly norm?: 'slaney' | 'none'
}

/**
 * Triangular filters spaced evenly on the mel scale.
 *
 * @returns float32 `[melBins, fftSize / 2 + 1]`.
 * @throws AudioArgumentError for sizes or frequencies that make no filterbank.
 *
 * Source: librosa 0.8 `filters.mel` (Slaney), torchaudio 0.13 `melscale_fbanks` (htk, none); M. Slaney, Auditory Toolbox, 1998.
 */
export function melFilterbank(options: MelFilterbankOptions): TensorData<'float32'> {
  const { sampleRate, fftSize, melBins, scale = 'slaney', norm = 'slaney' } = options
  const low = options.lowHz ?? 0
  const high = options.highHz ?? sampleRate / 2
  for (const [name, value] of Object.entries({ sampleRate, fftSize, melBins })) {
    if (!(Number.isInteger(value) && value >= 1)) {
      throw new AudioArgumentError(`melFilterbank: ${name} must be a whole number >= 1, found ${shown(value)}.`)
    }
  }
  if (!(low >= 0 && low < high)) {
    throw new AudioArgumentError(
      `melFilterbank: expected 0 <= lowHz < highHz, found lowHz ${shown(low)} and highHz ${shown(high)}.`,
    )
  }
  const bins = Math.floor(fftSize / 2) + 1
  const [lowMel, highMel] = [hzToMel(low, scale), hzToMel(high, scale)]
  const edges = Float64Array.from({ length: melBins + 2 }, (_, i) =>
    melToHz(lowMel + ((highMel - lowMel) * i) / (melBins + 1), scale),
  )
  const data = new Float32Array(melBins * bins)
  for (let m = 0; m < melBins; m++) {
    const [left, centre, right] = [edges[m]!, edges[m + 1]!, edges[m + 2]!]
    const gain = norm === 'slaney' ? 2 / (right - left) : 1
    for (let k = 0; k < bins; k++) {
      const hz = bins === 1 ? 0 : (k * sampleRate) / 2 / (bins - 1)
      const weight = Math.min((hz - left) / (centre - left), (right - hz) / (right - centre))
      if (weight > 0) data[m * bins + k] = weight * gain
    }
  }
  return { dtype: 'float32', shape: [melBins, bins], data }
}

/** First and one past the last column of a filterbank `[..., melBins, bins]` that is not all zeros. */
export function usedBins(filterbank: TensorData): readonly [number, number] {
  const bins = filterbank.shape.at(-1) ?? 0
  const data = filterbank.data as Float32Array
  let first = bins
  let last = 0
  for (let i = 0; i < data.length; i++) {
    if (data[i] === 0) continue
    const k = i % bins
    if (k < first) first = k
    if (k >= last) last = k + 1
  }
  return first < last ? [first, last] : [0, bins]
}
