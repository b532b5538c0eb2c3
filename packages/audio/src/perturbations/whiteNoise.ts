import { z } from 'zod'
import type { AudioSegment } from '../audioSegment.js'
import type { RandomGenerator } from '../randomGenerator.js'
import { type Perturbation, parsePerturbationConfig } from './perturbation.js'

const whiteNoiseConfig = z
  .strictObject({
    /** dB relative to full scale; truncated to a whole number. */
    min_level: z.number().default(-90),
    /** dB relative to full scale, itself never drawn. */
    max_level: z.number().default(-46),
  })
  .refine((config) => Math.trunc(config.min_level) < Math.trunc(config.max_level), {
    message: 'expected min_level below max_level, since max_level itself is never drawn',
  })

/** Options of {@link WhiteNoisePerturbation}. */
export type WhiteNoiseConfig = z.input<typeof whiteNoiseConfig>

/** Adds Gaussian noise whose standard deviation is `levelDb` relative to full scale. */
export function addWhiteNoise(segment: AudioSegment, levelDb: number, random: RandomGenerator): AudioSegment {
  const level = 10 ** (levelDb / 20)
  return segment.withSamples(segment.samples.map((sample) => sample + level * random.normal()))
}

/** Adds white noise of a whole level drawn from [min_level, max_level). Source: NeMo v1.0.0 WhiteNoisePerturbation. */
export class WhiteNoisePerturbation implements Perturbation {
  readonly #config: z.output<typeof whiteNoiseConfig>

  /** @throws AudioArgumentError for a wrong configuration. */
  constructor(config: WhiteNoiseConfig = {}) {
    this.#config = parsePerturbationConfig('white_noise', whiteNoiseConfig, config)
  }

  maxAugmentationLength(length: number): number {
    return length
  }

  perturb(segment: AudioSegment, random: RandomGenerator): AudioSegment {
    const { min_level, max_level } = this.#config
    return addWhiteNoise(segment, random.integer(Math.trunc(min_level), Math.trunc(max_level) - 1), random)
  }
}
