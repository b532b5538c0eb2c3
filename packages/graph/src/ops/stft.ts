import { addDims, type Dim, floorDivideDims, multiplyDims, subtractDims } from '../dim.js'
import { AttributeError, ShapeError } from '../errors.js'
import type { Tensor } from '../tensor.js'
import { concat, split } from './concat.js'
import { conv } from './conv.js'
import { constant } from './leaves.js'
import { type PadMode, pad, padConstant } from './pad.js'
import { reduceSumSquare } from './reduction.js'
import { reshapeTo, unsqueeze } from './reshape.js'
import { shapeTensor } from './shape.js'
import { narrow } from './slice.js'

/**
 * Overlapping windows of a signal.
 *
 * @param x - `[B, L]`
 * @param options.length - Samples in each frame.
 * @param options.hop - Samples between the starts of frames.
 * @returns `[B, T, length]`, T = floor((L - length) / hop) + 1; samples after the last whole frame are left out.
 * @throws ShapeError if x is not `[B, L]`, AttributeError unless length and hop are whole numbers above 0.
 */
export function frames(x: Tensor, { length, hop }: { length: number; hop: number }): Tensor {
  if (x.rank !== 2) throw new ShapeError(`frames: expected a signal of shape [B, L], found ${x}.`)
  if (![length, hop].every((n) => Number.isInteger(n) && n > 0)) {
    throw new AttributeError(
      `frames: expected a length and a hop that are whole numbers above 0, found ${length} and ${hop}.`,
    )
  }
  const [B, L] = x.shape as readonly [Dim, Dim]
  const count = addDims(floorDivideDims(subtractDims(L, length), hop), 1)
  if (typeof count === 'number' && count < 1) throw new ShapeError(`frames: ${L} samples hold no frame of ${length}.`)
  // Each frame is made of neighbouring blocks of `hop` samples.
  const perFrame = Math.ceil(length / hop)
  const rows = addDims(count, perFrame - 1)
  const samples = multiplyDims(rows, hop)
  const whole = padConstant(x, shapeTensor([0, 0, 0, subtractDims(samples, L)], [x]), [B, samples])
  const blocks = reshapeTo(whole, [B, rows, hop], [whole])
  const shifted = Array.from({ length: perFrame }, (_, k) => {
    const end = k === perFrame - 1 ? undefined : k + 1 - perFrame
    return perFrame === 1 ? blocks : narrow(blocks, 1, k, end)
  })
  const joined = concat(shifted, 2)
  return joined.dim(2) === length ? joined : narrow(joined, 2, 0, length)
}

/** Options of `stft`; they are PyTorch's. */
export interface STFTOptions {
  /** Length of the transform; its result has nFft / 2 + 1 frequencies. */
  readonly nFft: number
  /** Samples between frames. */
  readonly hop: number
  /** Weights of the samples; shorter windows than nFft are centred in it. Default: ones. */
  readonly window?: ArrayLike<number>
  /** Whether frames are centred on their times, by padding nFft / 2 samples at both ends. Default true. */
  readonly center?: boolean
  /** How `center` pads. Default `reflect`. */
  readonly padMode?: PadMode
}

/** A spectrum: `[B, F, T]` each, F = nFft / 2 + 1. */
export interface Spectrum {
  readonly real: Tensor
  readonly imaginary: Tensor
}

/**
 * Short-time Fourier transform: the framed signal times a basis of windowed cosines and sines, as one strided
 * convolution (which does the framing and leaves out samples that the window makes zero).
 *
 * @param signal - `[B, L]`
 * @returns the spectrum at T frames: with `center` T = floor(L / hop) + 1, else floor((L - nFft) / hop) + 1.
 * @throws AttributeError if the window is longer than nFft or nFft is odd, ShapeError if the signal is not `[B, L]`.
 *
 * Source: PyTorch's `torch.stft`, one-sided.
 */
export function stft(signal: Tensor, options: STFTOptions): Spectrum {
  const [real, imaginary] = split(transform(signal, options), 2, 1)
  return { real: real!, imaginary: imaginary! }
}

/**
 * Squared magnitudes of the short-time Fourier transform, `[B, F, T]`; see `stft`.
 */
export function powerSpectrum(signal: Tensor, options: STFTOptions): Tensor {
  const y = transform(signal, options)
  const [B, , T] = y.shape as readonly [Dim, Dim, Dim]
  return reduceSumSquare(reshapeTo(y, [B, 2, options.nFft / 2 + 1, T], [y]), 1)
}

// Real parts of all frequencies, then imaginary parts: [B, 2 F, T].
function transform(signal: Tensor, options: STFTOptions): Tensor {
  const { nFft, hop, center = true, padMode = 'reflect' } = options
  const window = options.window ?? new Array<number>(nFft).fill(1)
  if (signal.rank !== 2) throw new ShapeError(`stft: expected a signal of shape [B, L], found ${signal}.`)
  if (!Number.isInteger(nFft) || nFft < 2 || nFft % 2 !== 0 || window.length > nFft) {
    throw new AttributeError(
      `stft: expected an even nFft that holds the window, found nFft ${nFft} and a window of ${window.length}.`,
    )
  }
  const before = Math.floor((nFft - window.length) / 2)
  const after = nFft - window.length - before
  const half = center ? nFft / 2 : 0
  // The margins of a frame that its window does not reach need not be there.
  const padded =
    center && padMode !== 'constant'
      ? pad(
          signal,
          [
            [0, 0],
            [half, half],
          ],
          padMode,
        )
      : signal
  const reach = padded === signal ? [half - before, half - after] : [-before, -after]
  const cropped = pad(padded, [
    [0, 0],
    [reach[0]!, reach[1]!],
  ])
  const basis = constant(fourierBasis(nFft, window, before), 'float32', [nFft + 2, 1, window.length])
  return conv(unsqueeze(cropped, 1), basis, undefined, { strides: hop })
}

// Rows: cosines, then negative sines, of each frequency; columns: samples of the window.
function fourierBasis(nFft: number, window: ArrayLike<number>, offset: number): Float32Array {
  const frequencies = nFft / 2 + 1
  const basis = new Float32Array(2 * frequencies * window.length)
  for (let f = 0; f < frequencies; f++) {
    for (let n = 0; n < window.length; n++) {
      // Whole turns are dropped before the multiplication, so that the angle is exact.
      const angle = (2 * Math.PI * (((n + offset) * f) % nFft)) / nFft
      basis[f * window.length + n] = window[n]! * Math.cos(angle)
      basis[(frequencies + f) * window.length + n] = -window[n]! * Math.sin(angle)
    }
  }
  return basis
}
