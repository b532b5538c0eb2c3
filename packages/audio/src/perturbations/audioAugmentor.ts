import { z } from 'zod'
import type { AudioSegment } from '../audioSegment.js'
import { AudioArgumentError, shown } from '../errors.js'
import type { RandomGenerator } from '../randomGenerator.js'
import { type GainConfig, GainPerturbation } from './gain.js'
import { type ImpulseConfig, ImpulsePerturbation } from './impulse.js'
import { type NoiseConfig, NoisePerturbation } from './noise.js'
import { type Perturbation, parsePerturbationConfig } from './perturbation.js'
import { RirAndNoisePerturbation, type RirNoiseConfig } from './rirNoise.js'
import { type ShiftConfig, ShiftPerturbation } from './shift.js'
import { type SilenceConfig, SilencePerturbation } from './silence.js'
import { type SpeedConfig, SpeedPerturbation } from './speed.js'
import { type TranscodeConfig, TranscodePerturbation } from './transcode.js'
import { type WhiteNoiseConfig, WhiteNoisePerturbation } from './whiteNoise.js'

/** Options of the perturbations that come with this package, by their names in configs. */
export interface PerturbationConfigs {
  readonly gain: GainConfig
  readonly impulse: ImpulseConfig
  readonly noise: NoiseConfig
  readonly rir_noise_aug: RirNoiseConfig
  readonly shift: ShiftConfig
  readonly silence: SilenceConfig
  readonly speed: SpeedConfig
  readonly transcode_aug: TranscodeConfig
  readonly white_noise: WhiteNoiseConfig
}

/** Makes a perturbation of its configuration, `prob` left out. */
export type PerturbationFactory = (config: Record<string, unknown>) => Perturbation

// The constructors check what they are given.
const BUILT_IN: Readonly<Record<keyof PerturbationConfigs, PerturbationFactory>> = {
  gain: (config) => new GainPerturbation(config as GainConfig),
  impulse: (config) => new ImpulsePerturbation(config as ImpulseConfig),
  noise: (config) => new NoisePerturbation(config as NoiseConfig),
  rir_noise_aug: (config) => new RirAndNoisePerturbation(config as RirNoiseConfig),
  shift: (config) => new ShiftPerturbation(config as ShiftConfig),
  silence: (config) => new SilencePerturbation(config as SilenceConfig),
  speed: (config) => new SpeedPerturbation(config as SpeedConfig),
  transcode_aug: (config) => new TranscodePerturbation(config as TranscodeConfig),
  white_noise: (config) => new WhiteNoisePerturbation(config as WhiteNoiseConfig),
}

const registered = new Map<string, PerturbationFactory>()

/** The names that {@link processAugmentations} knows. */
export function perturbationNames(): string[] {
  return [...Object.keys(BUILT_IN), ...registered.keys()].sort()
}

/**
 * Makes a perturbation of your own known to configs. Source: NeMo v1.0.0 `register_perturbation`.
 *
 * @throws AudioArgumentError when the name is taken.
 */
export function registerPerturbation(name: string, factory: PerturbationFactory): void {
  if (perturbationNames().includes(name)) {
    throw new AudioArgumentError(`a perturbation named "${name}" exists. Choose another name.`)
  }
  registered.set(name, factory)
}

/** A perturbation and how likely it is applied. */
export interface WeightedPerturbation {
  /** In [0, 1]. */
  readonly prob: number
  readonly perturbation: Perturbation
}

/** Applies perturbations one after the other, each with its probability. Source: NeMo v1.0.0 AudioAugmentor. */
export class AudioAugmentor {
  readonly #pipeline: readonly WeightedPerturbation[]

  constructor(pipeline: readonly WeightedPerturbation[]) {
    this.#pipeline = pipeline
  }

  /** At most so long, in samples, becomes a segment of `length` samples. */
  maxAugmentationLength(length: number): number {
    return this.#pipeline.reduce((longest, { perturbation }) => perturbation.maxAugmentationLength(longest), length)
  }

  /** A pure function of the segment and the generator's state: give each (seed, epoch, sample) a generator of its own. */
  async perturb(segment: AudioSegment, random: RandomGenerator): Promise<AudioSegment> {
    let perturbed = segment
    for (const { prob, perturbation } of this.#pipeline) {
      if (random.random() < prob) perturbed = await perturbation.perturb(perturbed, random)
    }
    return perturbed
  }
}

const augmentationsSchema = z.record(
  z.string(),
  z.looseObject({
    prob: z.number('expected a "prob" from 0 to 1 beside the options').min(0).max(1),
  }),
)

/**
 * Makes an augmentor of a config such as `{ shift: { prob: 0.5, min_shift_ms: -5 }, white_noise: { prob: 1 } }`.
 * Undefined or null, a config without augmentation, gives undefined.
 *
 * @throws AudioArgumentError for an unknown name, a missing or wrong `prob`, or wrong options.
 *
 * Source: NeMo v1.0.0 `process_augmentations`.
 */
export function processAugmentations(config: unknown): AudioAugmentor | undefined {
  if (config === undefined || config === null) return undefined
  const augmentations = parsePerturbationConfig('augmentor', augmentationsSchema, config)
  return new AudioAugmentor(
    Object.entries(augmentations).map(([name, { prob, ...options }]) => ({
      prob,
      perturbation: factoryOf(name)(options),
    })),
  )
}

function factoryOf(name: string): PerturbationFactory {
  const factory = Object.hasOwn(BUILT_IN, name) ? BUILT_IN[name as keyof PerturbationConfigs] : registered.get(name)
  if (factory === undefined) {
    throw new AudioArgumentError(
      `unknown augmentation ${shown(name)}. Use one of ${perturbationNames().join(', ')}, or register it.`,
    )
  }
  return factory
}
