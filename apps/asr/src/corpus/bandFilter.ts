import type { RandomGenerator } from '@nemo/audio'

/** A second-order filter, normalised so that a0 = 1: y = b0 x + b1 x' + b2 x'' - a1 y' - a2 y''. */
interface Biquad {
  b0: number
  b1: number
  b2: number
  a1: number
  a2: number
}

type BiquadKind = 'lowPass' | 'highPass' | 'highShelf' | 'peak'

/**
 * Designs a second-order filter by the bilinear transform.
 *
 * Source: the W3C note "Audio EQ Cookbook" (R. Bristow-Johnson).
 *
 * @param gainDb - Of the shelf or peak; the other kinds ignore it. A peak is about an octave and a half wide.
 */
function designBiquad(kind: BiquadKind, cornerHz: number, sampleRate: number, gainDb = 0): Biquad {
  const angle = (2 * Math.PI * cornerHz) / sampleRate
  const cosine = Math.cos(angle)
  const alpha = Math.sin(angle) / Math.SQRT2
  const amplitude = 10 ** (gainDb / 40)
  if (kind === 'peak') {
    const a0 = 1 + alpha / amplitude
    return {
      b0: (1 + alpha * amplitude) / a0,
      b1: (-2 * cosine) / a0,
      b2: (1 - alpha * amplitude) / a0,
      a1: (-2 * cosine) / a0,
      a2: (1 - alpha / amplitude) / a0,
    }
  }
  if (kind === 'highShelf') {
    const slope = 2 * Math.sqrt(amplitude) * alpha
    const sum = amplitude + 1
    const difference = amplitude - 1
    const a0 = sum - difference * cosine + slope
    return {
      b0: (amplitude * (sum + difference * cosine + slope)) / a0,
      b1: (-2 * amplitude * (difference + sum * cosine)) / a0,
      b2: (amplitude * (sum + difference * cosine - slope)) / a0,
      a1: (2 * (difference - sum * cosine)) / a0,
      a2: (sum - difference * cosine - slope) / a0,
    }
  }
  const edge = kind === 'lowPass' ? 1 - cosine : 1 + cosine
  const a0 = 1 + alpha
  return {
    b0: edge / 2 / a0,
    b1: ((kind === 'lowPass' ? 1 : -1) * edge) / a0,
    b2: edge / 2 / a0,
    a1: (-2 * cosine) / a0,
    a2: (1 - alpha) / a0,
  }
}

function applyBiquad(samples: Float32Array, { b0, b1, b2, a1, a2 }: Biquad): void {
  let [x1, x2, y1, y2] = [0, 0, 0, 0]
  for (let t = 0; t < samples.length; t++) {
    const x = samples[t]!
    const y = b0 * x + b1 * x1 + b2 * x2 - a1 * y1 - a2 * y2
    x2 = x1
    x1 = x
    y2 = y1
    y1 = y
    samples[t] = y
  }
}

/** The colouring of a microphone and line. Absent edges let everything through. */
export interface Band {
  /** Lower edge, 12 dB an octave, in Hz. */
  lowHz?: number
  /** Upper edge, 12 dB an octave, in Hz; at most 45 % of the sample rate. */
  highHz?: number
  /** Tilt: gain above 1500 Hz, in decibels. Default 0. */
  tiltDb?: number
  /** Resonances and dips: centre in Hz and gain in decibels of each. Default none. */
  peaks?: readonly { hz: number; gainDb: number }[]
}

/** Filters in place. */
export function limitBand(
  samples: Float32Array,
  sampleRate: number,
  { lowHz, highHz, tiltDb = 0, peaks = [] }: Band,
): void {
  if (lowHz !== undefined) applyBiquad(samples, designBiquad('highPass', lowHz, sampleRate))
  if (highHz !== undefined) {
    applyBiquad(samples, designBiquad('lowPass', Math.min(highHz, 0.45 * sampleRate), sampleRate))
  }
  for (const { hz, gainDb } of peaks) {
    applyBiquad(samples, designBiquad('peak', Math.min(hz, 0.45 * sampleRate), sampleRate, gainDb))
  }
  if (tiltDb !== 0) applyBiquad(samples, designBiquad('highShelf', 1500, sampleRate, tiltDb))
}

/**
 * A microphone and line at random: a tilt, three resonances or dips, and with the given probability a telephone's band
 * (300 to 3400 Hz, more or less).
 */
export function drawBand(random: RandomGenerator, telephone: number): Band {
  const tiltDb = random.uniform(-9, 9)
  const peaks = [300, 1000, 2500].map((hz) => ({
    hz: hz * 2 ** random.uniform(-0.8, 0.8),
    gainDb: 3 * random.normal(),
  }))
  return random.random() < telephone
    ? { lowHz: random.uniform(180, 380), highHz: random.uniform(2800, 3700), tiltDb, peaks }
    : { lowHz: random.uniform(30, 150), tiltDb, peaks }
}
