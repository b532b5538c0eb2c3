import {
  add,
  concat,
  constant,
  div,
  log,
  matMul,
  maximum,
  mul,
  narrow,
  pad,
  pow,
  randomNormal,
  sqrt,
  sub,
  type Tensor,
  where,
} from '@nemo/graph'
import { AudioArgumentError } from '../errors.js'
import { frameMask, padFramesTo, padFramesToMultiple } from './frameMask.js'
import { type FeatureNormalization, normalizeFeatures } from './normalizeFeatures.js'
import { powerSpectrogram } from './powerSpectrogram.js'

/** What is added to energies, or what they are clamped to, before the logarithm. */
export interface LogZeroGuard {
  readonly type: 'add' | 'clamp'
  readonly value: number
}

/** How a log-mel spectrogram is computed. */
export interface MelSpectrogramOptions {
  /** Samples of the Fourier transform. */
  readonly fftSize: number
  /** Samples of a frame. */
  readonly windowSamples: number
  /** Samples from one frame to the next. */
  readonly hopSamples: number
  /** `[windowSamples]`; rectangular if left out. */
  readonly window?: Tensor
  /** `[1, D, fftSize / 2 + 1]` or without the first axis. */
  readonly filterbank: Tensor
  /** Range of bins that the filterbank uses; the others are not computed. Default all. */
  readonly bins?: readonly [number, number]
  /** Standard deviation of white noise added to the signal. Default 0: none. Needs the program's random key. */
  readonly dither?: number
  /** Each sample loses this share of the one before it. Default 0.97; null for none. */
  readonly preemphasis?: number | null
  /** Added to squared magnitudes, so that their root has a gradient at 0. Default 0. */
  readonly magnitudeGuard?: number
  /** Power of the magnitudes that the filters add up. Default 2. */
  readonly magnitudePower?: number
  /** Default `{ type: 'add', value: 2 ** -24 }`; null leaves energies linear. */
  readonly log?: LogZeroGuard | null
  /** Repeats the features this often. Default 1. NeMo repeats the same frame, where stacking its successors is meant. */
  readonly frameSplicing?: number
  /** Default none. */
  readonly normalize?: FeatureNormalization | null
  /** Value of frames beyond the length. Default 0. */
  readonly padValue?: number
  /** The number of frames becomes a multiple of this (0: as it is), or exactly `{ frames }`. Default 0. */
  readonly padTo?: number | { readonly frames: number }
  /** Gives floor(samples / hop) frames by padding (fftSize - hop) / 2 on both sides. Default false. */
  readonly exactPad?: boolean
}

/** Samples by which both ends grow before framing. */
function exactPadding({ fftSize, hopSamples }: MelSpectrogramOptions): number {
  if (hopSamples % 2 === 1) {
    throw new AudioArgumentError(
      `exact_pad: expected an even number of samples between frames, found ${hopSamples}; floor(samples / hop) frames cannot be had with odd ones.`,
    )
  }
  return Math.floor((fftSize - hopSamples) / 2)
}

/**
 * Valid frames of signals of the given lengths: floor((samples + padding - fftSize) / hop) + 1.
 *
 * @param lengths - int64 `[B]`, samples.
 */
export function melSpectrogramLengths(lengths: Tensor, options: MelSpectrogramOptions): Tensor {
  const { fftSize, hopSamples } = options
  const margin = options.exactPad ? exactPadding(options) : Math.floor(fftSize / 2)
  // One hop is added first: ONNX division truncates, and an empty item would make the numerator negative.
  const shifted = add(lengths, constant(2 * margin - fftSize + hopSamples, 'int64'))
  return div(shifted, constant(hopSamples, 'int64'))
}

/**
 * Log-mel spectrogram.
 *
 * @param signal - float32 `[B, L]`, mono samples in [-1, 1], padded to the longest.
 * @param lengths - int64 `[B]`, valid samples.
 * @returns features `[B, D, T]` (natural logarithm), and their valid frames int64 `[B]`.
 * @throws AudioArgumentError for options that contradict each other.
 *
 * Source: NeMo v1.0.0 `FilterbankFeatures`. As there, reflection and pre-emphasis see the padded batch.
 */
export function melSpectrogram(
  signal: Tensor,
  lengths: Tensor,
  options: MelSpectrogramOptions,
): { readonly features: Tensor; readonly lengths: Tensor } {
  const frames = melSpectrogramLengths(lengths, options)
  let x = signal
  if (options.exactPad) {
    const margin = exactPadding(options)
    x = pad(
      x,
      [
        [0, 0],
        [margin, margin],
      ],
      'reflect',
    )
  }
  if (options.dither) x = add(x, mul(randomNormal(x.shape, [x]), options.dither))
  const preemphasis = options.preemphasis === undefined ? 0.97 : options.preemphasis
  // The first sample stays: a zero stands before it.
  if (preemphasis !== null)
    x = sub(
      x,
      mul(
        pad(x, [
          [0, 0],
          [1, -1],
        ]),
        preemphasis,
      ),
    )
  const bins = options.bins ?? [0, Math.floor(options.fftSize / 2) + 1]
  const power = powerSpectrogram(x, {
    fftSize: options.fftSize,
    windowSamples: options.windowSamples,
    hopSamples: options.hopSamples,
    bins,
    center: !options.exactPad,
    ...(options.window && { window: options.window }),
  })
  const guarded = options.magnitudeGuard ? add(power, options.magnitudeGuard) : power
  const filterbank = narrow(options.filterbank, -1, bins[0], bins[1])
  let y = matMul(filterbank, ofMagnitude(guarded, options.magnitudePower ?? 2))
  const guard = options.log === undefined ? { type: 'add' as const, value: 2 ** -24 } : options.log
  if (guard) y = log(guard.type === 'add' ? add(y, guard.value) : maximum(y, guard.value))
  const splicing = options.frameSplicing ?? 1
  if (splicing > 1) y = concat(new Array<Tensor>(splicing).fill(y), 1)
  if (options.normalize) y = normalizeFeatures(y, frames, options.normalize)
  const padTo = options.padTo ?? 0
  if (typeof padTo === 'object') y = padFramesTo(y, padTo.frames)
  else if (padTo > 1) y = padFramesToMultiple(y, padTo)
  return { features: where(frameMask(y, frames), y, options.padValue ?? 0), lengths: frames }
}

// Magnitudes to a power, from their squares.
function ofMagnitude(power: Tensor, exponent: number): Tensor {
  if (exponent === 2) return power
  return exponent === 1 ? sqrt(power) : pow(power, exponent / 2)
}
