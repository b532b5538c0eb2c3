import { z } from 'zod'
import type { AudioSegment } from '../audioSegment.js'
import type { RandomGenerator } from '../randomGenerator.js'
import { type Perturbation, parsePerturbationConfig } from './perturbation.js'

const gainConfig = z.strictObject({
  /** dB. */
  min_gain_dbfs: z.number().default(-10),
  /** dB. */
  max_gain_dbfs: z.number().default(10),
})

/** Options of {@link GainPerturbation}. */
export type GainConfig = z.input<typeof gainConfig>

/** Multiplies by a gain drawn uniformly in dB. Source: NeMo v1.0.0 GainPerturbation. */
export class GainPerturbation implements Perturbation {
  readonly #config: z.output<typeof gainConfig>

  /** @throws AudioArgumentError for a wrong configuration. */
  constructor(config: GainConfig = {}) {
    this.#config = parsePerturbationConfig('gain', gainConfig, config)
  }

  maxAugmentationLength(length: number): number {
    return length
  }

  perturb(segment: AudioSegment, random: RandomGenerator): AudioSegment {
    return segment.gainDb(random.uniform(this.#config.min_gain_dbfs, this.#config.max_gain_dbfs))
  }
}
