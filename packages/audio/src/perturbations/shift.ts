import { z } from 'zod'
import type { AudioSegment } from '../audioSegment.js'
import type { RandomGenerator } from '../randomGenerator.js'
import { type Perturbation, parsePerturbationConfig } from './perturbation.js'

const shiftConfig = z.strictObject({
  /** Milliseconds; negative delays. */
  min_shift_ms: z.number().default(-5),
  /** Milliseconds; positive advances. */
  max_shift_ms: z.number().default(5),
})

/** Options of {@link ShiftPerturbation}. */
export type ShiftConfig = z.input<typeof shiftConfig>

/**
 * Moves audio earlier (positive) or later (negative) by floor(shiftMs * rate / 1000) samples; what leaves is lost, zeros
 * enter. A shift longer than the audio leaves it as it is.
 */
export function shiftAudio(segment: AudioSegment, shiftMs: number): AudioSegment {
  if (Math.abs(shiftMs) / 1000 > segment.duration) return segment
  const shift = Math.floor((shiftMs * segment.sampleRate) / 1000)
  const shifted = new Float32Array(segment.numSamples)
  if (shift >= 0) shifted.set(segment.samples.subarray(shift))
  else
    shifted.set(segment.samples.subarray(0, Math.max(0, segment.numSamples + shift)), Math.min(-shift, shifted.length))
  return segment.withSamples(shifted)
}

/** Shifts in time by a uniform number of milliseconds; see {@link shiftAudio}. Source: NeMo v1.0.0 ShiftPerturbation. */
export class ShiftPerturbation implements Perturbation {
  readonly #config: z.output<typeof shiftConfig>

  /** @throws AudioArgumentError for a wrong configuration. */
  constructor(config: ShiftConfig = {}) {
    this.#config = parsePerturbationConfig('shift', shiftConfig, config)
  }

  maxAugmentationLength(length: number): number {
    return length
  }

  perturb(segment: AudioSegment, random: RandomGenerator): AudioSegment {
    return shiftAudio(segment, random.uniform(this.#config.min_shift_ms, this.#config.max_shift_ms))
  }
}
