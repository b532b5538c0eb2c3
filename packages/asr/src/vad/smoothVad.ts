import { AsrError } from '../errors.js'

/** Options of `smoothVadFrames`. */
export interface VadSmoothing {
  readonly method: 'mean' | 'median'
  /** Share of a window that the next one used covers too, in [0, 1). */
  readonly overlap: number
  /** Seconds of audio that a probability is about. */
  readonly windowSeconds: number
  /** Seconds between probabilities. */
  readonly shiftSeconds: number
}

// Seconds of a step of smoothed probabilities.
const STEP_SECONDS = 0.01

/**
 * Speech probabilities on a 10 ms grid: at each point the mean or median of the windows that cover it. Only every n-th
 * window is used, so that they overlap by `overlap`.
 *
 * @param frames - Probability of each window.
 * @returns probabilities rounded to 4 decimals, ties to even, as NeMo's files hold them.
 * @throws AsrError if the windows would not advance.
 *
 * Source: NeMo v1.0.0 `generate_overlap_vad_seq`.
 */
export function smoothVadFrames(frames: ArrayLike<number>, options: VadSmoothing): number[] {
  const shift = Math.trunc(options.shiftSeconds / STEP_SECONDS)
  const window = Math.trunc(options.windowSeconds / STEP_SECONDS + 1)
  const jump = Math.trunc(Math.trunc(window * (1 - options.overlap)) / shift)
  if (!(jump >= 1 && options.overlap >= 0)) {
    throw new AsrError(
      'NEMO_VAD_SMOOTHING',
      `smoothVadFrames: windows of ${options.windowSeconds} s every ${options.shiftSeconds} s that overlap by ${options.overlap} would not advance over all points. Choose an overlap from 0 to below 1, a shorter shift or longer windows.`,
    )
  }
  const points = frames.length * shift
  const covering = Array.from({ length: points }, (): number[] => [])
  for (let i = 0; i < frames.length; i += jump) {
    for (let point = i * shift; point < Math.min(points, i * shift + window); point++) covering[point]!.push(frames[i]!)
  }
  const combine = options.method === 'mean' ? mean : median
  return covering.map((values) => roundHalfEven(combine(values)))
}

const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  const middle = sorted.length >> 1
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2
}

function roundHalfEven(value: number): number {
  const scaled = value * 1e4
  const floor = Math.floor(scaled)
  const up = scaled - floor > 0.5 || (scaled - floor === 0.5 && floor % 2 === 1)
  return (up ? floor + 1 : floor) / 1e4
}
