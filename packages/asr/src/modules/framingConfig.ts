import { ConfigValidationError } from '@nemo/core'
import { z } from 'zod'

// NeMo's TTS configs write `false` for a length that is given in samples.
const seconds = z.preprocess((value) => (value === false ? null : value), z.number().positive().nullable())

/** Config keys that say how a signal is cut into frames; seconds or samples. */
export const framingFields = {
  /** Hz */
  sample_rate: z.int().min(1).default(16000),
  /** Seconds; null when `n_window_size` is given. */
  window_size: seconds.default(0.02),
  /** Seconds; null when `n_window_stride` is given. */
  window_stride: seconds.default(0.01),
  /** Samples */
  n_window_size: z.int().min(1).nullable().default(null),
  /** Samples */
  n_window_stride: z.int().min(1).nullable().default(null),
  /** Samples of the Fourier transform. Default the next power of two from the window on. */
  n_fft: z.int().min(1).nullable().default(null),
}

/** Window functions of NeMo's preprocessors. */
export const windowField = z
  .enum(['hann', 'hamming', 'blackman', 'bartlett', 'ones', 'none'])
  .nullable()
  .default('hann')

interface FramingConfig {
  readonly sample_rate: number
  readonly window_size: number | null
  readonly window_stride: number | null
  readonly n_window_size: number | null
  readonly n_window_stride: number | null
  readonly n_fft: number | null
}

/**
 * Frame geometry in samples.
 *
 * @throws ConfigValidationError if a size is given twice or not at all, or the transform is shorter than the window.
 */
export function framing(config: FramingConfig): { fftSize: number; windowSamples: number; hopSamples: number } {
  const windowSamples = samplesOf(config, 'window_size')
  const hopSamples = samplesOf(config, 'window_stride')
  const fftSize = config.n_fft || 2 ** Math.ceil(Math.log2(windowSamples))
  if (fftSize < windowSamples) {
    throw new ConfigValidationError([
      { keyPath: 'n_fft', message: `expected at least the window's ${windowSamples} samples, found ${fftSize}` },
    ])
  }
  return { fftSize, windowSamples, hopSamples }
}

function samplesOf(config: FramingConfig, key: 'window_size' | 'window_stride'): number {
  const [seconds, samples] = [config[key], config[`n_${key}`]]
  if ((seconds === null) === (samples === null)) {
    const message =
      samples === null
        ? `give it in seconds, or n_${key} in samples; both are null`
        : `is given in seconds (${seconds}) and in samples (${samples}); set ${key}: null to use samples`
    throw new ConfigValidationError([{ keyPath: key, message }])
  }
  const count = samples ?? Math.trunc(seconds! * config.sample_rate)
  if (count < 1) {
    throw new ConfigValidationError([
      { keyPath: key, message: `${seconds} s at ${config.sample_rate} Hz is less than one sample` },
    ])
  }
  return count
}
