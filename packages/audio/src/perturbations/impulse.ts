import { z } from 'zod'
import type { AudioSegment } from '../audioSegment.js'
import { AudioArgumentError } from '../errors.js'
import { convolveFull } from '../fft.js'
import type { RandomGenerator } from '../randomGenerator.js'
import { AudioPool, audioPoolConfig } from './audioPool.js'
import { type Perturbation, parsePerturbationConfig } from './perturbation.js'

const impulseConfig = z.strictObject({
  ...audioPoolConfig,
  /** Cut what precedes the response's peak, so that the audio is not delayed. */
  shift_impulse: z.boolean().default(false),
})

/** Options of {@link ImpulsePerturbation}. */
export type ImpulseConfig = z.input<typeof impulseConfig>

/**
 * Convolves with a room impulse response scaled to [0, 1].
 *
 * Without `shiftImpulse` the result is the middle part of the convolution, as long as the audio. With it the response
 * starts at its peak, and the result is one sample shorter than the audio, as in NeMo.
 *
 * @throws AudioArgumentError for a response that is empty or constant, which cannot be scaled.
 *
 * Source: NeMo v1.0.0 ImpulsePerturbation.
 */
export function convolveImpulse(
  segment: AudioSegment,
  impulse: Float32Array,
  options: { readonly shiftImpulse?: boolean | undefined } = {},
): AudioSegment {
  const response = scaledToUnit(impulse)
  if (!options.shiftImpulse) {
    const start = Math.floor((response.length - 1) / 2)
    const full = convolveFull(segment.samples, response)
    return segment.withSamples(full.slice(start, start + segment.numSamples))
  }
  const fromPeak = response.subarray(response.indexOf(1))
  const full = convolveFull(segment.samples, fromPeak)
  return segment.withSamples(full.slice(0, Math.max(0, full.length - fromPeak.length)))
}

function scaledToUnit(impulse: Float32Array): Float32Array {
  let [min, max] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]
  for (const sample of impulse) {
    min = Math.min(min, sample)
    max = Math.max(max, sample)
  }
  if (!(max > min)) {
    throw new AudioArgumentError(
      `expected an impulse response that varies, found ${impulse.length} sample(s), all alike. Check the file.`,
    )
  }
  return impulse.map((sample) => (sample - min) / (max - min))
}

/** Convolves with a random impulse response of a manifest; see {@link convolveImpulse}. */
export class ImpulsePerturbation implements Perturbation {
  readonly #config: z.output<typeof impulseConfig>
  readonly #responses: AudioPool

  /** @throws AudioArgumentError for a wrong configuration. */
  constructor(config: ImpulseConfig) {
    this.#config = parsePerturbationConfig('impulse', impulseConfig, config)
    this.#responses = new AudioPool(this.#config.manifest_path)
  }

  maxAugmentationLength(length: number): number {
    return length
  }

  async perturb(segment: AudioSegment, random: RandomGenerator): Promise<AudioSegment> {
    const impulse = await this.#responses.draw(segment.sampleRate, random)
    return convolveImpulse(segment, impulse.samples, { shiftImpulse: this.#config.shift_impulse })
  }
}
