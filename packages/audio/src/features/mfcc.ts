import {
  add,
  constant,
  log,
  matMul,
  maximum,
  mul,
  reduceMax,
  sub,
  swapAxes,
  type Tensor,
  type TensorData,
} from '@nemo/graph'
import { AudioArgumentError } from '../errors.js'
import { powerSpectrogram } from './powerSpectrogram.js'

/** How cepstral coefficients are computed. */
export interface MfccOptions {
  /** Samples of the Fourier transform. */
  readonly fftSize: number
  /** Samples of a frame. */
  readonly windowSamples: number
  /** Samples from one frame to the next. */
  readonly hopSamples: number
  /** `[windowSamples]`; rectangular if left out. */
  readonly window?: Tensor
  /** `[fftSize / 2 + 1, melBins]`: torchaudio's orientation. */
  readonly filterbank: Tensor
  /** `[melBins, coefficients]`, see `dctMatrix`. */
  readonly dct: Tensor
  /** Natural logarithm of energy + 1e-6; else decibels, cut 80 dB below the batch's loudest. Default true. */
  readonly logMels?: boolean
}

/**
 * The matrix of a type-2 discrete cosine transform.
 *
 * @param options.ortho - Orthonormal; otherwise every coefficient is doubled.
 * @returns float32 `[melBins, coefficients]`.
 * @throws AudioArgumentError for more coefficients than bins.
 *
 * Source: torchaudio 0.13 `functional.create_dct`.
 */
export function dctMatrix(
  coefficients: number,
  melBins: number,
  options: { readonly ortho?: boolean } = {},
): TensorData<'float32'> {
  if (coefficients > melBins) {
    throw new AudioArgumentError(`mfcc: ${coefficients} coefficients cannot be had from ${melBins} mel bins.`)
  }
  const data = new Float32Array(melBins * coefficients)
  for (let n = 0; n < melBins; n++) {
    for (let k = 0; k < coefficients; k++) {
      const scale = options.ortho ? Math.sqrt((k === 0 ? 1 : 2) / melBins) : 2
      data[n * coefficients + k] = scale * Math.cos((Math.PI / melBins) * (n + 0.5) * k)
    }
  }
  return { dtype: 'float32', shape: [melBins, coefficients], data }
}

const TOP_DB = 80
const DECIBELS_PER_NEPER = 10 / Math.LN10

/**
 * Mel-frequency cepstral coefficients.
 *
 * @param signal - float32 `[B, L]`.
 * @returns float32 `[B, coefficients, T]`, T = floor(L / hop) + 1. Frames beyond an item's length are not masked.
 *
 * Source: torchaudio 0.13 `transforms.MFCC` as NeMo v1.0.0's AudioToMFCCPreprocessor uses it.
 */
export function mfcc(signal: Tensor, options: MfccOptions): Tensor {
  const power = powerSpectrogram(signal, {
    fftSize: options.fftSize,
    windowSamples: options.windowSamples,
    hopSamples: options.hopSamples,
    ...(options.window && { window: options.window }),
  })
  const mel = matMul(swapAxes(options.filterbank, 0, 1), power)
  return matMul(swapAxes(options.dct, 0, 1), (options.logMels ?? true) ? log(add(mel, 1e-6)) : decibels(mel))
}

function decibels(power: Tensor): Tensor {
  const level = mul(log(maximum(power, 1e-10)), DECIBELS_PER_NEPER)
  return maximum(level, sub(reduceMax(level), constant(TOP_DB)))
}
