import { type AudioSegment, type Perturbation, type RandomGenerator, registerPerturbation, resample } from '@nemo/audio'
import { z } from 'zod'
import { drawBand, limitBand } from './bandFilter.js'
import { addNoise, makeNoise } from './noise.js'
import { addRoomEcho, drawRoom } from './roomEcho.js'
import { stretchTime } from './timeStretch.js'

const voiceConfig = z.strictObject({
  /** Vocal tract length and pitch period of the new voice over those of the old one. */
  min_size: z.number().min(0.5).max(2).default(0.8),
  max_size: z.number().min(0.5).max(2).default(1.25),
  /** Duration over the old one; independent of the voice. */
  min_duration: z.number().min(0.4).max(2.5).default(0.8),
  max_duration: z.number().min(0.4).max(2.5).default(1.35),
})

/** Options of `VoicePerturbation`. */
export type VoiceConfig = z.input<typeof voiceConfig>

/** Sizes are multiples of this, so that the resampling filters stay few and small. */
const sizeStep = 0.025

/**
 * Turns a speaker into another one: resampling scales all formants and the pitch together, as a longer or shorter vocal tract
 * does, and WSOLA then sets the duration on its own. This is what lets a recogniser trained on a few people hear new ones.
 */
export class VoicePerturbation implements Perturbation {
  readonly #config: z.output<typeof voiceConfig>

  constructor(config: VoiceConfig = {}) {
    this.#config = voiceConfig.parse(config)
  }

  maxAugmentationLength(length: number): number {
    return Math.ceil(length * this.#config.max_duration) + 1
  }

  perturb(segment: AudioSegment, random: RandomGenerator): AudioSegment {
    const { min_size, max_size, min_duration, max_duration } = this.#config
    const size = Math.round(random.uniform(min_size, max_size) / sizeStep) * sizeStep
    const duration = random.uniform(min_duration, max_duration)
    return segment.withSamples(changeVoice(segment.samples, segment.sampleRate, size, duration))
  }
}

/**
 * Speech as if by someone larger or smaller.
 *
 * @param size - Formant wavelengths and pitch period over the old ones: 1.2 turns a woman into a man, roughly. 0.5 to 2, rounded
 *   to whole hertz of the sample rate.
 * @param duration - Length of the result over the old one.
 */
export function changeVoice(samples: Float32Array, sampleRate: number, size: number, duration: number): Float32Array {
  const sized =
    size === 1 ? samples : resample(samples, sampleRate, Math.round(sampleRate * size), { zeroCrossings: 16 })
  const factor = Math.min(Math.max((samples.length * duration) / Math.max(1, sized.length), 0.25), 4)
  return stretchTime(sized, sampleRate, factor)
}

/** Adds the echo of a small room drawn at random; see `addRoomEcho`. */
export class RoomEchoPerturbation implements Perturbation {
  maxAugmentationLength(length: number): number {
    return length
  }

  perturb(segment: AudioSegment, random: RandomGenerator): AudioSegment {
    const samples = segment.samples.slice()
    addRoomEcho(samples, segment.sampleRate, drawRoom(random))
    return segment.withSamples(samples)
  }
}

const bandConfig = z.strictObject({
  /** Probability of a telephone's band instead of a mere tilt of the spectrum. */
  telephone: z.number().min(0).max(1).default(0.3),
})

/** Options of `BandPerturbation`. */
export type BandConfig = z.input<typeof bandConfig>

/** Colours speech as another microphone, or a telephone line, would; see `drawBand`. */
export class BandPerturbation implements Perturbation {
  readonly #config: z.output<typeof bandConfig>

  constructor(config: BandConfig = {}) {
    this.#config = bandConfig.parse(config)
  }

  maxAugmentationLength(length: number): number {
    return length
  }

  perturb(segment: AudioSegment, random: RandomGenerator): AudioSegment {
    const samples = segment.samples.slice()
    limitBand(samples, segment.sampleRate, drawBand(random, this.#config.telephone))
    return segment.withSamples(samples)
  }
}

const colouredNoiseConfig = z.strictObject({
  /** Speech over noise, in decibels; a pause does not count as speech. */
  min_snr_db: z.number().default(8),
  max_snr_db: z.number().default(35),
})

/** Options of `ColouredNoisePerturbation`. */
export type ColouredNoiseConfig = z.input<typeof colouredNoiseConfig>

/** Adds white, pink or brown noise or mains hum at a level below the speech; see `makeNoise`. */
export class ColouredNoisePerturbation implements Perturbation {
  readonly #config: z.output<typeof colouredNoiseConfig>

  constructor(config: ColouredNoiseConfig = {}) {
    this.#config = colouredNoiseConfig.parse(config)
  }

  maxAugmentationLength(length: number): number {
    return length
  }

  perturb(segment: AudioSegment, random: RandomGenerator): AudioSegment {
    const samples = segment.samples.slice()
    const colour = random.choice(['white', 'pink', 'brown', 'hum'] as const)
    const noise = makeNoise(colour, samples.length, segment.sampleRate, random)
    addNoise(samples, noise, random.uniform(this.#config.min_snr_db, this.#config.max_snr_db), segment.sampleRate)
    return segment.withSamples(samples)
  }
}

/**
 * Makes these perturbations known to the `augmentor` section of configs, as `voice`, `room_echo`, `band` and `coloured_noise`.
 * Call it once, before a dataset with such an augmentor is made.
 *
 * @throws AudioArgumentError when called twice.
 */
export function registerSpeechPerturbations(): void {
  registerPerturbation('voice', (config) => new VoicePerturbation(config as VoiceConfig))
  registerPerturbation('room_echo', () => new RoomEchoPerturbation())
  registerPerturbation('band', (config) => new BandPerturbation(config as BandConfig))
  registerPerturbation('coloured_noise', (config) => new ColouredNoisePerturbation(config as ColouredNoiseConfig))
}
