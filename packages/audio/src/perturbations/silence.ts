import { z } from 'zod'
import type { AudioSegment } from '../audioSegment.js'
import type { RandomGenerator } from '../randomGenerator.js'
import { type Perturbation, parsePerturbationConfig } from './perturbation.js'

const seconds = z.number().min(0).default(0)
const silenceConfig = z.strictObject({
  min_start_silence_secs: seconds,
  max_start_silence_secs: seconds,
  min_end_silence_secs: seconds,
  max_end_silence_secs: seconds,
  /** The sample value that counts as silence. */
  value: z.number().default(0),
})

/** Options of {@link SilencePerturbation}. */
export type SilenceConfig = z.input<typeof silenceConfig>

/** Puts so many seconds of silence, in whole samples rounded down, before and after the audio. */
export function addSilence(
  segment: AudioSegment,
  silence: { readonly startSeconds?: number; readonly endSeconds?: number; readonly value?: number },
): AudioSegment {
  const before = Math.floor((silence.startSeconds ?? 0) * segment.sampleRate)
  const after = Math.floor((silence.endSeconds ?? 0) * segment.sampleRate)
  const samples = new Float32Array(before + segment.numSamples + after).fill(silence.value ?? 0)
  samples.set(segment.samples, before)
  return segment.withSamples(samples)
}

/** Adds silence of random length at both ends. NeMo 1.0.0 lacks it. Source: NeMo (later releases) SilencePerturbation. */
export class SilencePerturbation implements Perturbation {
  readonly #config: z.output<typeof silenceConfig>

  /** @throws AudioArgumentError for a wrong configuration. */
  constructor(config: SilenceConfig = {}) {
    this.#config = parsePerturbationConfig('silence', silenceConfig, config)
  }

  /** Without a sample rate, none can be given. */
  maxAugmentationLength(): number {
    return Number.POSITIVE_INFINITY
  }

  perturb(segment: AudioSegment, random: RandomGenerator): AudioSegment {
    const config = this.#config
    return addSilence(segment, {
      startSeconds: random.uniform(config.min_start_silence_secs, config.max_start_silence_secs),
      endSeconds: random.uniform(config.min_end_silence_secs, config.max_end_silence_secs),
      value: config.value,
    })
  }
}
