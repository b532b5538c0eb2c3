import { powerSpectrogram, windowFunction } from '@nemo/audio'
import { clip, constant, sqrt, swapAxes, type Tensor } from '@nemo/graph'

/** Geometry of a short-time Fourier transform, in samples. */
export interface StftGeometry {
  readonly fftSize: number
  readonly hopSamples: number
  readonly windowSamples: number
}

/** Limits magnitudes from below, as the gradient of a root grows without bound. */
const SMALLEST_POWER = 1e-7

/**
 * Magnitudes of a short-time Fourier transform with a periodic Hann window, centred by reflection.
 *
 * @param signal - float32 `[B, L]`
 * @returns `[B, T, fftSize / 2 + 1]`, T = floor(L / hop) + 1, at least sqrt(1e-7).
 *
 * Source: NeMo v1.0.0 `stft` of its STFT losses.
 */
export function stftMagnitude(signal: Tensor, { fftSize, hopSamples, windowSamples }: StftGeometry): Tensor {
  const window = constant(windowFunction('hann', windowSamples, { periodic: true }))
  const power = powerSpectrogram(signal, { fftSize, hopSamples, windowSamples, window })
  return swapAxes(sqrt(clip(power, SMALLEST_POWER)), 1, 2)
}
