import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { maxDifference } from '../test/npy.js'
import { AudioArgumentError } from './errors.js'
import { RandomGenerator } from './randomGenerator.js'
import { resample, resampledLength, StreamingResampler } from './resample.js'

const PAIRS = [
  [8000, 16000],
  [16000, 8000],
  [44100, 16000],
  [22050, 16000],
  [16000, 22050],
  [48000, 16000],
  // Ratios with more phases than are tabulated.
  [16000, 14413],
  [16000, 17599],
] as const

function tone(hz: number, sampleRate: number, length: number): Float32Array {
  return Float32Array.from({ length }, (_, t) => Math.sin((2 * Math.PI * hz * t) / sampleRate))
}

/** 10 log10 of the mean square over the middle, where no edge reaches. */
function middleDb(samples: Float32Array): number {
  const middle = samples.subarray(Math.floor(samples.length * 0.25), Math.ceil(samples.length * 0.75))
  return 10 * Math.log10(middle.reduce((sum, sample) => sum + sample * sample, 0) / middle.length)
}

function noise(length: number, seed: number): Float32Array {
  const random = new RandomGenerator(seed)
  return Float32Array.from({ length }, () => random.normal())
}

describe.each(PAIRS)('resample %i Hz to %i Hz', (from, to) => {
  const nyquist = Math.min(from, to) / 2

  it.each([0.03, 0.25, 0.5, 0.75, 0.88])('a tone at %f of the band keeps 100 dB of signal to noise', (part) => {
    const resampled = resample(tone(part * nyquist, from, from), from, to)
    const ideal = tone(part * nyquist, to, to)
    const error = resampled.map((sample, t) => sample - ideal[t]!)
    expect(middleDb(ideal) - middleDb(error)).toBeGreaterThan(100)
  })

  it('what the lower rate cannot hold is 100 dB down', () => {
    for (const hz of [nyquist * 1.002, nyquist * 1.2, nyquist * 1.7]) {
      if (hz >= from / 2) continue
      expect(middleDb(resample(tone(hz, from, from), from, to)) - middleDb(tone(hz, from, from))).toBeLessThan(-100)
    }
  })

  it('images above the band of the input are 100 dB down', () => {
    const hz = 0.8 * nyquist
    const resampled = resample(tone(hz, from, from), from, to)
    const ideal = tone(hz, to, to)
    expect(middleDb(resampled.map((sample, t) => sample - ideal[t]!))).toBeLessThan(-100)
  })

  it('a constant keeps its level', () => {
    const resampled = resample(new Float32Array(from).fill(0.5), from, to)
    const middle = resampled.subarray(Math.floor(to * 0.25), Math.floor(to * 0.75))
    for (const sample of middle) expect(Math.abs(sample - 0.5)).toBeLessThan(1e-6)
  })

  it('an impulse stays where it is in time, symmetric, and keeps its area', () => {
    // One second in, so that it falls on an output whatever the ratio.
    const impulse = new Float32Array(2 * from)
    impulse[from] = 1
    const response = resample(impulse, from, to)
    const peak = response.indexOf(response.reduce((a, b) => Math.max(a, b)))
    expect(peak).toBe(to)
    for (let k = 1; k < 50; k++) expect(Math.abs(response[peak + k]! - response[peak - k]!)).toBeLessThan(1e-6)
    expect(response.reduce((sum, sample) => sum + sample, 0)).toBeCloseTo(to / from, 3)
  })
})

describe('resample', () => {
  const rate = fc.integer({ min: 1, max: 200 }).map((hundreds) => hundreds * 100)

  it('the length is ceil(length * to / from)', () => {
    fc.assert(
      fc.property(fc.nat(300), rate, rate, (length, from, to) => {
        const want = Number((BigInt(length) * BigInt(to) + BigInt(from) - 1n) / BigInt(from))
        expect(resampledLength(length, from, to)).toBe(want)
        expect(resample(new Float32Array(length), from, to).length).toBe(want)
      }),
      { numRuns: 60, seed: 6 },
    )
  })

  it('is linear', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 400 }),
        rate,
        rate,
        fc.double({ min: -2, max: 2, noNaN: true }),
        (length, from, to, k) => {
          const [a, b] = [noise(length, 1), noise(length, 2)]
          const sum = resample(
            a.map((sample, t) => sample + k * b[t]!),
            from,
            to,
          )
          const [ra, rb] = [resample(a, from, to), resample(b, from, to)]
          expect(
            maxDifference(
              sum,
              ra.map((sample, t) => sample + k * rb[t]!),
            ),
          ).toBeLessThan(1e-5)
        },
      ),
      { numRuns: 40, seed: 7 },
    )
  })

  it('equal rates give a copy', () => {
    const samples = noise(10, 3)
    const copy = resample(samples, 8000, 8000)
    expect(copy).toEqual(samples)
    expect(copy).not.toBe(samples)
  })

  it('no samples give none', () => {
    expect(resample(new Float32Array(), 8000, 16000).length).toBe(0)
  })

  it('rates that are no positive whole numbers are refused', () => {
    expect(() => resample(new Float32Array(4), 0, 8000)).toThrow(AudioArgumentError)
    expect(() => resample(new Float32Array(4), 8000, 8000.5)).toThrow(
      'expected toHz to be a positive whole number, found 8000.5',
    )
    expect(() => resample(new Float32Array(4), 8000, Number.NaN)).toThrow(AudioArgumentError)
  })

  it('pieces in a stream, joined, equal the whole', () => {
    const pair = fc.constantFrom(...PAIRS, [8000, 8000] as const)
    fc.assert(
      fc.property(pair, fc.array(fc.nat(700), { maxLength: 6 }), ([from, to], sizes) => {
        const samples = noise(
          sizes.reduce((a, b) => a + b, 0),
          4,
        )
        const stream = new StreamingResampler(from, to)
        const parts: Float32Array[] = []
        let at = 0
        for (const size of sizes) {
          parts.push(stream.push(samples.subarray(at, at + size)))
          at += size
        }
        parts.push(stream.flush())
        const joined = Float32Array.from(parts.flatMap((part) => Array.from(part)))
        expect(joined).toEqual(resample(samples, from, to))
      }),
      { numRuns: 60, seed: 8 },
    )
  })

  it('a stream keeps no more than the filter reaches', () => {
    const stream = new StreamingResampler(16000, 8000)
    const produced = stream.push(new Float32Array(16000)).length
    expect(produced).toBeGreaterThan(8000 - 140)
  })
})
