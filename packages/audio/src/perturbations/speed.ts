import { z } from 'zod'
import type { AudioSegment } from '../audioSegment.js'
import { AudioArgumentError, shown } from '../errors.js'
import type { RandomGenerator } from '../randomGenerator.js'
import { type ResampleOptions, resample } from '../resample.js'
import { type Perturbation, parsePerturbationConfig } from './perturbation.js'

const speedConfig = z.strictObject({
  /** Hz; the rate of the audio. Unset: each segment's own. */
  sr: z.number().int().positive().optional(),
  /**
   * NeMo's choice of resampler. `kaiser_fast` has a filter of 16 zero crossings as resampy's (steep enough for
   * augmentation, four times as fast); the others get our best.
   */
  resample_type: z.enum(['kaiser_best', 'kaiser_fast', 'fft', 'scipy']).default('kaiser_best'),
  min_speed_rate: z.number().positive().default(0.9),
  max_speed_rate: z.number().positive().default(1.1),
  /** So many evenly spaced rates; 0 or negative: any rate between. */
  num_rates: z.number().int().default(5),
})

/** Options of {@link SpeedPerturbation}. */
export type SpeedConfig = z.input<typeof speedConfig>

/**
 * Resamples as if from `sr` to floor(sr * rate) Hz and keeps calling it `sr`: a rate of 1.1 makes the audio 10 % longer,
 * slower and lower, as in NeMo.
 *
 * @throws AudioArgumentError for a rate that leaves no whole sample rate.
 */
export function changeSpeed(
  segment: AudioSegment,
  rate: number,
  sr: number = segment.sampleRate,
  options: ResampleOptions = {},
): AudioSegment {
  const resampledRate = Math.floor(sr * rate)
  if (!(resampledRate > 0 && Number.isFinite(resampledRate))) {
    throw new AudioArgumentError(`changeSpeed: expected a positive rate, found ${shown(rate)} at ${sr} Hz.`)
  }
  return segment.withSamples(resample(segment.samples, sr, resampledRate, options))
}

const FAST: ResampleOptions = { zeroCrossings: 16 }

/** Changes speed and pitch together; see {@link changeSpeed}. A rate of exactly 1 does nothing. Source: NeMo v1.0.0 SpeedPerturbation. */
export class SpeedPerturbation implements Perturbation {
  readonly #config: z.output<typeof speedConfig>

  /** @throws AudioArgumentError for a wrong configuration. */
  constructor(config: SpeedConfig = {}) {
    this.#config = parsePerturbationConfig('speed', speedConfig, config)
  }

  maxAugmentationLength(length: number): number {
    return Math.ceil(length * Math.max(this.#config.min_speed_rate, this.#config.max_speed_rate))
  }

  perturb(segment: AudioSegment, random: RandomGenerator): AudioSegment {
    const rate = drawRate(this.#config, random)
    return rate === 1
      ? segment
      : changeSpeed(segment, rate, this.#config.sr, this.#config.resample_type === 'kaiser_fast' ? FAST : {})
  }
}

/** One of `num_rates` evenly spaced rates, or any rate between when that is not positive. */
export function drawRate(
  config: { readonly min_speed_rate: number; readonly max_speed_rate: number; readonly num_rates: number },
  random: RandomGenerator,
): number {
  const { min_speed_rate: min, max_speed_rate: max, num_rates: count } = config
  if (count <= 0) return random.uniform(min, max)
  const index = random.integer(0, count - 1)
  return index === count - 1 && count > 1 ? max : min + (index * (max - min)) / Math.max(1, count - 1)
}
