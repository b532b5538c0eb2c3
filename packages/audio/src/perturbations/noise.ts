import { z } from 'zod'
import { type AudioSegment, rmsDb } from '../audioSegment.js'
import type { RandomGenerator } from '../randomGenerator.js'
import { AudioPool, audioPoolConfig } from './audioPool.js'
import { type Perturbation, parsePerturbationConfig } from './perturbation.js'

const noiseConfig = z.strictObject({
  ...audioPoolConfig,
  /** dB. */
  min_snr_db: z.number().default(10),
  /** dB. */
  max_snr_db: z.number().default(50),
  /** The noise is amplified by at most so many dB. */
  max_gain_db: z.number().default(300),
  /** Hz; kept for configs that carry it. */
  orig_sr: z.number().positive().default(16_000),
})

/** Options of {@link NoisePerturbation}. */
export type NoiseConfig = z.input<typeof noiseConfig>

/** Options of {@link addNoise}. */
export interface AddNoiseOptions {
  /** Signal-to-noise ratio wanted, in dB. */
  readonly snrDb: number
  /** The noise is amplified by at most so many dB. Default 300. */
  readonly maxGainDb?: number | undefined
  /** Power of the signal in dB, when it should not be measured from the segment. */
  readonly signalDb?: number | undefined
}

/**
 * Adds noise at a signal-to-noise ratio. A random stretch of longer noise is used; shorter noise is put at a random place.
 * The ratio is measured on the whole noise. Silent noise changes nothing.
 *
 * @param noise - Samples at the segment's rate.
 *
 * Source: NeMo v1.0.0 NoisePerturbation.perturb_with_input_noise.
 */
export function addNoise(
  segment: AudioSegment,
  noise: Float32Array,
  options: AddNoiseOptions,
  random: RandomGenerator,
): AudioSegment {
  const stretch = randomStretch(noise, segment.numSamples, random)
  return mixAtRandomPlace(segment, stretch, noiseFactor(segment, noise, options), random)
}

/** The linear factor that brings `noise` to the ratio wanted; 0 for silent noise or silent audio. */
export function noiseFactor(segment: AudioSegment, noise: Float32Array, options: AddNoiseOptions): number {
  const noiseDb = rmsDb(noise)
  if (!Number.isFinite(noiseDb)) return 0
  const signalDb = options.signalDb ?? segment.rmsDb
  return 10 ** (Math.min(signalDb - noiseDb - options.snrDb, options.maxGainDb ?? 300) / 20)
}

function randomStretch(noise: Float32Array, length: number, random: RandomGenerator): Float32Array {
  if (noise.length <= length) return noise
  const start = random.integer(0, noise.length - length)
  return noise.subarray(start, start + length)
}

/** Adds `noise`, which is no longer than the segment, at a random place. */
export function mixAtRandomPlace(
  segment: AudioSegment,
  noise: Float32Array,
  factor: number,
  random: RandomGenerator,
): AudioSegment {
  const start = noise.length < segment.numSamples ? random.integer(0, segment.numSamples - noise.length) : 0
  const samples = segment.samples.slice()
  for (let t = 0; t < noise.length; t++) samples[start + t] = samples[start + t]! + Math.fround(factor * noise[t]!)
  return segment.withSamples(samples)
}

/** Adds a random noise of a manifest at a random signal-to-noise ratio; see {@link addNoise}. */
export class NoisePerturbation implements Perturbation {
  readonly #config: z.output<typeof noiseConfig>
  readonly #noises: AudioPool

  /** @throws AudioArgumentError for a wrong configuration. */
  constructor(config: NoiseConfig) {
    this.#config = parsePerturbationConfig('noise', noiseConfig, config)
    this.#noises = new AudioPool(this.#config.manifest_path)
  }

  maxAugmentationLength(length: number): number {
    return length
  }

  async perturb(segment: AudioSegment, random: RandomGenerator): Promise<AudioSegment> {
    const { min_snr_db, max_snr_db, max_gain_db } = this.#config
    const noise = await this.#noises.draw(segment.sampleRate, random)
    const snrDb = random.uniform(min_snr_db, max_snr_db)
    return addNoise(segment, noise.samples, { snrDb, maxGainDb: max_gain_db }, random)
  }
}
