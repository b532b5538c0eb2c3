import { AudioArgumentError, AudioRangeError, shown } from './errors.js'

/** Sample arrays that {@link AudioSegment.fromSamples} takes. */
export type SampleArray = Float32Array | Float64Array | Int8Array | Int16Array | Int32Array

/**
 * A stretch of mono audio; NeMo's AudioSegment as an immutable value: what NeMo changes in place is returned anew here.
 *
 * Source: NeMo v1.0.0 `collections/asr/parts/segment.py`.
 */
export class AudioSegment {
  /** `[T]`, full scale is [-1, 1]. */
  readonly samples: Float32Array
  /** In Hz. */
  readonly sampleRate: number
  /** Rate of the recording before any resampling, in Hz. */
  readonly origSr: number

  /**
   * @param options.origSr - Rate of the recording before any resampling. Default `sampleRate`.
   * @throws AudioArgumentError unless the rate is positive.
   */
  constructor(samples: Float32Array, sampleRate: number, options: { readonly origSr?: number | undefined } = {}) {
    if (!(sampleRate > 0 && Number.isFinite(sampleRate))) {
      throw new AudioArgumentError(`expected a positive sample rate in Hz, found ${shown(sampleRate)}.`)
    }
    this.samples = samples
    this.sampleRate = sampleRate
    this.origSr = options.origSr ?? sampleRate
  }

  /**
   * Makes a segment of floating-point samples, or of signed integers of `b` bits divided by 2^(b-1).
   *
   * @throws AudioArgumentError for other arrays; unsigned bytes are ambiguous, so convert them first.
   */
  static fromSamples(samples: SampleArray, sampleRate: number): AudioSegment {
    if (samples instanceof Float32Array) return new AudioSegment(samples, sampleRate)
    if (samples instanceof Float64Array) return new AudioSegment(Float32Array.from(samples), sampleRate)
    if (samples instanceof Int8Array || samples instanceof Int16Array || samples instanceof Int32Array) {
      const scale = 2 ** -(8 * samples.BYTES_PER_ELEMENT - 1)
      return new AudioSegment(
        Float32Array.from(samples, (sample) => Math.fround(sample) * scale),
        sampleRate,
      )
    }
    throw new AudioArgumentError(
      `unsupported sample type ${Object.prototype.toString.call(samples)}. Give a Float32Array, Float64Array, Int8Array, Int16Array or Int32Array.`,
    )
  }

  get numSamples(): number {
    return this.samples.length
  }

  /** In seconds. */
  get duration(): number {
    return this.samples.length / this.sampleRate
  }

  /** Mean power in dB relative to full scale; -Infinity for silence, NaN for no samples. */
  get rmsDb(): number {
    return rmsDb(this.samples)
  }

  /** This segment with other samples at the same rate. */
  withSamples(samples: Float32Array): AudioSegment {
    return new AudioSegment(samples, this.sampleRate, { origSr: this.origSr })
  }

  /** Multiplied by 10^(gain / 20). */
  gainDb(gain: number): AudioSegment {
    const factor = 10 ** (gain / 20)
    return this.withSamples(this.samples.map((sample) => sample * factor))
  }

  /** With `padSamples` zeros at the end, and at the start as well when `symmetric`. */
  pad(padSamples: number, options: { readonly symmetric?: boolean | undefined } = {}): AudioSegment {
    const before = options.symmetric ? padSamples : 0
    const padded = new Float32Array(before + this.samples.length + padSamples)
    padded.set(this.samples, before)
    return this.withSamples(padded)
  }

  /**
   * The part between two times in seconds; negative times count from the end. Times round half to even to samples.
   *
   * @throws AudioRangeError when the times lie outside the segment or in the wrong order.
   */
  subsegment(times: { readonly start?: number | undefined; readonly end?: number | undefined } = {}): AudioSegment {
    const fromEnd = (time: number) => (time < 0 ? this.duration + time : time)
    const start = fromEnd(times.start ?? 0)
    const end = fromEnd(times.end ?? this.duration)
    if (!(start >= 0 && end >= 0 && start <= end && end <= this.duration)) {
      throw new AudioRangeError(
        `expected 0 <= start <= end <= ${this.duration} s, found start ${start} s, end ${end} s. Give times within the audio.`,
      )
    }
    return this.withSamples(
      this.samples.slice(roundHalfEven(start * this.sampleRate), roundHalfEven(end * this.sampleRate)),
    )
  }
}

/** Mean power of samples in dB relative to full scale; -Infinity for silence, NaN for no samples. */
export function rmsDb(samples: Float32Array): number {
  let sum = 0
  for (let t = 0; t < samples.length; t++) sum += samples[t]! * samples[t]!
  return 10 * Math.log10(sum / samples.length)
}

function roundHalfEven(value: number): number {
  const floor = Math.floor(value)
  const rest = value - floor
  if (rest !== 0.5) return Math.round(value)
  return floor % 2 === 0 ? floor : floor + 1
}
