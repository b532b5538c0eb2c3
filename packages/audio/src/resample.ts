import { AudioArgumentError, shown } from './errors.js'

/** Options of {@link resample}. */
export interface ResampleOptions {
  /**
   * Zero crossings of the filter on each side, at the lower of the two rates. More give a steeper filter. Default 64:
   * flat to 88 % of the lower Nyquist frequency, nothing folded back from beyond it.
   */
  readonly zeroCrossings?: number | undefined
}

/** Stop-band attenuation of the filter, in dB. */
const ATTENUATION_DB = 110
const DEFAULT_ZERO_CROSSINGS = 64
/** Rational ratios with more phases than this interpolate linearly between as many; the error is below -110 dB. */
const MAX_PHASES = 1024
const CACHED_FILTERS = 8
/** Linear interpolation between so many points of the window is off by less than -140 dB. */
const WINDOW_STEPS = 16_384

/** A low-pass filter sampled at `phases` sub-sample offsets: row p holds the taps for an output `p / phases` after an input. */
interface PolyphaseFilter {
  /** Outputs per `step` inputs. */
  readonly interpolation: number
  /** Inputs per `interpolation` outputs. */
  readonly decimation: number
  /** Rows; equal to `interpolation`, or fewer when rows are interpolated. */
  readonly phases: number
  /** Taps per row. */
  readonly taps: number
  /** Inputs before the output's own position that row 0 reaches back to. */
  readonly reach: number
  /** `[phases (+ 1), taps]`. */
  readonly rows: Float32Array
}

const filters = new Map<string, PolyphaseFilter>()

/** The length that {@link resample} gives: ceil(length * toHz / fromHz). */
export function resampledLength(length: number, fromHz: number, toHz: number): number {
  const { interpolation, decimation } = rationalRatio(fromHz, toHz)
  return Math.ceil((length * interpolation) / decimation)
}

/**
 * Resamples band-limited, with a linear-phase Kaiser-windowed sinc; output `k` lies at input time `k * fromHz / toHz`.
 *
 * The audio counts as zero outside. Constants keep their level exactly. Equal rates give a copy.
 *
 * @param samples - `[T]`.
 * @param fromHz - Rate of `samples`; `toHz` - rate wanted. Positive whole numbers.
 * @returns `[ceil(T * toHz / fromHz)]`.
 * @throws AudioArgumentError for rates that are not positive whole numbers.
 *
 * Source: J. O. Smith, "Digital Audio Resampling"; J. F. Kaiser's window design formulas.
 */
export function resample(
  samples: Float32Array,
  fromHz: number,
  toHz: number,
  options: ResampleOptions = {},
): Float32Array<ArrayBuffer> {
  if (rationalRatio(fromHz, toHz).interpolation === rationalRatio(fromHz, toHz).decimation) return samples.slice()
  const filter = polyphaseFilter(fromHz, toHz, options.zeroCrossings ?? DEFAULT_ZERO_CROSSINGS)
  const length = resampledLength(samples.length, fromHz, toHz)
  // Zeros on both sides spare the inner loop its bounds checks.
  const padded = new Float32Array(samples.length + 2 * filter.taps)
  padded.set(samples, filter.taps)
  const out = new Float32Array(length)
  convolve(filter, { input: padded, origin: filter.taps, out, firstOutput: 0 })
  return out
}

/**
 * Resamples audio that arrives in pieces. The pieces returned, joined, equal {@link resample} of the whole, sample for
 * sample, however the input is cut.
 */
export class StreamingResampler {
  readonly #filter: PolyphaseFilter | undefined
  readonly #fromHz: number
  readonly #toHz: number
  /** Inputs from absolute index `#start` on that outputs still need. */
  #buffer: Float32Array
  #start: number
  #received = 0
  #produced = 0

  /** @throws AudioArgumentError for rates that are not positive whole numbers. */
  constructor(fromHz: number, toHz: number, options: ResampleOptions = {}) {
    const { interpolation, decimation } = rationalRatio(fromHz, toHz)
    this.#fromHz = fromHz
    this.#toHz = toHz
    this.#filter =
      interpolation === decimation
        ? undefined
        : polyphaseFilter(fromHz, toHz, options.zeroCrossings ?? DEFAULT_ZERO_CROSSINGS)
    const taps = this.#filter?.taps ?? 0
    this.#buffer = new Float32Array(taps)
    this.#start = -taps
  }

  /** Takes the next samples and returns the outputs that they complete. */
  push(samples: Float32Array): Float32Array {
    this.#received += samples.length
    if (this.#filter === undefined) return samples.slice()
    return this.#process(samples, this.#filter, (filter) => {
      // The last output whose taps end within what was received.
      const inputs = this.#received - (filter.taps - filter.reach)
      return inputs < 0 ? 0 : Math.floor((inputs * filter.interpolation) / filter.decimation) + 1
    })
  }

  /** Ends the audio and returns the remaining outputs. */
  flush(): Float32Array {
    if (this.#filter === undefined) return new Float32Array()
    return this.#process(new Float32Array(this.#filter.taps), this.#filter, () =>
      resampledLength(this.#received, this.#fromHz, this.#toHz),
    )
  }

  #process(
    samples: Float32Array,
    filter: PolyphaseFilter,
    producible: (filter: PolyphaseFilter) => number,
  ): Float32Array {
    const input = new Float32Array(this.#buffer.length + samples.length)
    input.set(this.#buffer)
    input.set(samples, this.#buffer.length)
    const end = Math.max(
      this.#produced,
      Math.min(producible(filter), resampledLength(this.#received, this.#fromHz, this.#toHz)),
    )
    const out = new Float32Array(end - this.#produced)
    convolve(filter, { input, origin: -this.#start, out, firstOutput: this.#produced })
    this.#produced = end
    const needed = Math.floor((end * filter.decimation) / filter.interpolation) - filter.reach
    const dropped = Math.max(0, Math.min(input.length, needed - this.#start))
    this.#buffer = input.slice(dropped)
    this.#start += dropped
    return out
  }
}

/** `toHz / fromHz` in lowest terms. */
function rationalRatio(fromHz: number, toHz: number): { interpolation: number; decimation: number } {
  for (const [name, rate] of [
    ['fromHz', fromHz],
    ['toHz', toHz],
  ] as const) {
    if (!Number.isInteger(rate) || rate <= 0) {
      throw new AudioArgumentError(`resample: expected ${name} to be a positive whole number, found ${shown(rate)}.`)
    }
  }
  let [a, b] = [fromHz, toHz]
  while (b !== 0) [a, b] = [b, a % b]
  return { interpolation: toHz / a, decimation: fromHz / a }
}

function polyphaseFilter(fromHz: number, toHz: number, zeroCrossings: number): PolyphaseFilter {
  const { interpolation, decimation } = rationalRatio(fromHz, toHz)
  const key = `${interpolation}/${decimation}/${zeroCrossings}`
  const cached = filters.get(key)
  if (cached !== undefined) return cached
  const filter = designFilter(interpolation, decimation, zeroCrossings)
  if (filters.size >= CACHED_FILTERS) filters.delete(filters.keys().next().value!)
  filters.set(key, filter)
  return filter
}

function designFilter(interpolation: number, decimation: number, zeroCrossings: number): PolyphaseFilter {
  if (!(zeroCrossings >= 8 && zeroCrossings <= 1024)) {
    throw new AudioArgumentError(`resample: expected 8 to 1024 zeroCrossings, found ${shown(zeroCrossings)}.`)
  }
  // The lower rate's Nyquist frequency, relative to the input's.
  const band = Math.min(1, interpolation / decimation)
  // Kaiser: half the transition width; the stop band starts at the lower Nyquist frequency.
  const halfTransition = (ATTENUATION_DB - 8) / (2.285 * 2 * zeroCrossings * Math.PI) / 2
  const cutoff = band * (1 - halfTransition)
  const radius = zeroCrossings / band
  const reach = Math.floor(radius)
  const taps = 2 * reach + 2
  const phases = Math.min(interpolation, MAX_PHASES)
  const rowCount = phases === interpolation ? phases : phases + 1
  const rows = new Float32Array(rowCount * taps)
  const row = new Float64Array(taps)
  for (let p = 0; p < rowCount; p++) {
    let sum = 0
    for (let k = 0; k < taps; k++) {
      const time = k - reach - p / phases
      row[k] = sinc(cutoff * time) * kaiserWindow(Math.abs(time) / radius)
      sum += row[k]!
    }
    // Each row sums to one, so that a constant keeps its level whatever the phase.
    for (let k = 0; k < taps; k++) rows[p * taps + k] = row[k]! / sum
  }
  return { interpolation, decimation, phases, taps, reach, rows }
}

interface Convolution {
  /** Samples, zeros included where outputs reach beyond the audio. */
  readonly input: Float32Array
  /** Index in `input` of sample 0 of the audio. */
  readonly origin: number
  readonly out: Float32Array
  /** Number of the output that goes to `out[0]`. */
  readonly firstOutput: number
}

function convolve(filter: PolyphaseFilter, work: Convolution): void {
  if (filter.phases === filter.interpolation) convolveByPhase(filter, work)
  else convolveBetweenPhases(filter, work)
}

/**
 * All outputs of one phase share a row of taps, four of them at a time: that is five times as fast as a product for each
 * output. Every output sums its products in the order of the taps, so that the result does not depend on the grouping.
 */
function convolveByPhase(filter: PolyphaseFilter, { input, origin, out, firstOutput }: Convolution): void {
  const { interpolation, decimation, taps, reach, rows } = filter
  const count = out.length
  for (let phase = 0; phase < Math.min(interpolation, count); phase++) {
    const position = (firstOutput + phase) * decimation
    const whole = Math.floor(position / interpolation)
    const row = (position - whole * interpolation) * taps
    let start = origin + whole - reach
    let k = phase
    for (; k + 3 * interpolation < count; k += 4 * interpolation, start += 4 * decimation) {
      let s0 = 0
      let s1 = 0
      let s2 = 0
      let s3 = 0
      for (let i = 0; i < taps; i++) {
        const tap = rows[row + i]!
        const at = start + i
        s0 += tap * input[at]!
        s1 += tap * input[at + decimation]!
        s2 += tap * input[at + 2 * decimation]!
        s3 += tap * input[at + 3 * decimation]!
      }
      out[k] = s0
      out[k + interpolation] = s1
      out[k + 2 * interpolation] = s2
      out[k + 3 * interpolation] = s3
    }
    for (; k < count; k += interpolation, start += decimation) out[k] = dot(rows, row, input, start, taps)
  }
}

function convolveBetweenPhases(filter: PolyphaseFilter, { input, origin, out, firstOutput }: Convolution): void {
  const { interpolation, decimation, phases, taps, reach, rows } = filter
  for (let k = 0; k < out.length; k++) {
    const position = (firstOutput + k) * decimation
    const whole = Math.floor(position / interpolation)
    const phase = ((position - whole * interpolation) * phases) / interpolation
    const row = Math.floor(phase)
    const first = origin + whole - reach
    const a = dot(rows, row * taps, input, first, taps)
    const b = dot(rows, (row + 1) * taps, input, first, taps)
    out[k] = a + (b - a) * (phase - row)
  }
}

function dot(a: Float32Array, aStart: number, b: Float32Array, bStart: number, length: number): number {
  let sum = 0
  for (let i = 0; i < length; i++) sum += a[aStart + i]! * b[bStart + i]!
  return sum
}

function sinc(x: number): number {
  return x === 0 ? 1 : Math.sin(Math.PI * x) / (Math.PI * x)
}

let windowTable: Float64Array | undefined

/** The window at a distance from its centre, 1 being its edge; read from a table, since designing a filter asks often. */
function kaiserWindow(distance: number): number {
  windowTable ??= tabulateWindow()
  if (distance >= 1) return 0
  const at = distance * WINDOW_STEPS
  const index = Math.floor(at)
  const before = windowTable[index]!
  return before + (windowTable[index + 1]! - before) * (at - index)
}

function tabulateWindow(): Float64Array {
  const beta = 0.1102 * (ATTENUATION_DB - 8.7)
  return Float64Array.from({ length: WINDOW_STEPS + 1 }, (_, i) => {
    const distance = i / WINDOW_STEPS
    return besselI0(beta * Math.sqrt(1 - distance * distance)) / besselI0(beta)
  })
}

/** Modified Bessel function of the first kind, order 0, by its power series. */
function besselI0(x: number): number {
  const quarter = (x * x) / 4
  let [sum, term] = [1, 1]
  for (let k = 1; term > sum * 1e-17; k++) {
    term *= quarter / (k * k)
    sum += term
  }
  return sum
}
