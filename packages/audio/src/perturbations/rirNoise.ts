import { z } from 'zod'
import type { AudioSegment } from '../audioSegment.js'
import { AudioArgumentError } from '../errors.js'
import type { RandomGenerator } from '../randomGenerator.js'
import { AudioPool } from './audioPool.js'
import { convolveImpulse } from './impulse.js'
import { addNoise, mixAtRandomPlace, noiseFactor } from './noise.js'
import { type Perturbation, parsePerturbationConfig } from './perturbation.js'

const paths = z.union([z.string(), z.array(z.string())])
const levels = z.union([z.number(), z.array(z.number())])
const noTar = z.null(
  'tarred recordings are not supported: unpack the tar files and list the recordings in the manifest',
)

const rirNoiseConfig = z.strictObject({
  /** Room impulse responses. */
  rir_manifest_path: paths.nullable().default(null),
  rir_prob: z.number().min(0).max(1).default(0.5),
  /** Noises that come and go, by the rates of their recordings. */
  noise_manifest_paths: z.array(paths).nullable().default(null),
  /** dB, of each noise manifest or of all. */
  min_snr_db: levels.default(0),
  max_snr_db: levels.default(50),
  /** Put the foreground noise into a room too. */
  apply_noise_rir: z.boolean().default(false),
  /** Hz, of the recordings of each noise manifest. Default 16000. */
  orig_sample_rate: z.array(z.number().positive()).nullable().default(null),
  /** How often foreground noise is heard at the most. */
  max_additions: z.int().min(1).default(5),
  /** Seconds of a foreground noise at the most. */
  max_duration: z.number().positive().default(2),
  /** Noises that last. */
  bg_noise_manifest_paths: z.array(paths).nullable().default(null),
  bg_min_snr_db: levels.default(10),
  bg_max_snr_db: levels.default(50),
  bg_orig_sample_rate: z.array(z.number().positive()).nullable().default(null),
  rir_tar_filepaths: noTar.optional(),
  rir_shuffle_n: z.number().optional(),
  noise_tar_filepaths: noTar.optional(),
  bg_noise_tar_filepaths: noTar.optional(),
})

/** Options of {@link RirAndNoisePerturbation}. */
export type RirNoiseConfig = z.input<typeof rirNoiseConfig>

interface NoisePool {
  readonly pool: AudioPool
  readonly minSnrDb: number
  readonly maxSnrDb: number
  /** Hz of its recordings. */
  readonly rate: number
}

/** Samples of foreground noise are amplified by at most so many dB, as in NeMo. */
const MAX_GAIN_DB = 300

/**
 * Puts the audio into a room, adds noises that come and go, and one that lasts. What has no manifest is left out. Noise is taken
 * from the manifest for the rate of the audio's own recording, or else for the highest.
 *
 * Source: NeMo v1.0.0 RirAndNoisePerturbation, which needs all three manifests.
 */
export class RirAndNoisePerturbation implements Perturbation {
  readonly #config: z.output<typeof rirNoiseConfig>
  readonly #rooms: AudioPool | undefined
  readonly #foreground: readonly NoisePool[]
  readonly #background: readonly NoisePool[]

  /** @throws AudioArgumentError for a wrong configuration. */
  constructor(config: RirNoiseConfig) {
    const valid = parsePerturbationConfig('rir_noise_aug', rirNoiseConfig, config)
    this.#config = valid
    this.#rooms = valid.rir_manifest_path === null ? undefined : new AudioPool(valid.rir_manifest_path)
    this.#foreground = poolsOf(valid.noise_manifest_paths, valid.min_snr_db, valid.max_snr_db, valid.orig_sample_rate)
    this.#background = poolsOf(
      valid.bg_noise_manifest_paths,
      valid.bg_min_snr_db,
      valid.bg_max_snr_db,
      valid.bg_orig_sample_rate,
    )
    if (!this.#rooms && this.#foreground.length + this.#background.length === 0)
      throw new AudioArgumentError(
        'augmentation "rir_noise_aug": expected rir_manifest_path, noise_manifest_paths or bg_noise_manifest_paths, found none.',
      )
  }

  maxAugmentationLength(length: number): number {
    return length
  }

  async perturb(segment: AudioSegment, random: RandomGenerator): Promise<AudioSegment> {
    const { rir_prob, apply_noise_rir } = this.#config
    let perturbed = random.random() < rir_prob ? await this.#inRoom(segment, random) : segment
    const signalDb = perturbed.rmsDb
    const foreground = forRate(this.#foreground, segment.origSr)
    if (foreground) {
      const drawn = await foreground.pool.draw(segment.sampleRate, random)
      const noise = apply_noise_rir ? await this.#inRoom(drawn, random) : drawn
      perturbed = this.#addForeground(perturbed, noise, { ...foreground, signalDb }, random)
    }
    const background = forRate(this.#background, segment.origSr)
    if (background) {
      const noise = await background.pool.draw(segment.sampleRate, random)
      const snrDb = random.uniform(background.minSnrDb, background.maxSnrDb)
      perturbed = addNoise(perturbed, noise.samples, { snrDb, signalDb }, random)
    }
    return perturbed
  }

  async #inRoom(segment: AudioSegment, random: RandomGenerator): Promise<AudioSegment> {
    if (!this.#rooms) return segment
    const response = await this.#rooms.draw(segment.sampleRate, random)
    return convolveImpulse(segment, response.samples, { shiftImpulse: true })
  }

  #addForeground(
    segment: AudioSegment,
    noise: AudioSegment,
    { minSnrDb, maxSnrDb, signalDb }: NoisePool & { readonly signalDb: number },
    random: RandomGenerator,
  ): AudioSegment {
    const { max_additions, max_duration } = this.#config
    const snrDb = random.uniform(minSnrDb, maxSnrDb)
    const factor = noiseFactor(segment, noise.samples, { snrDb, signalDb, maxGainDb: MAX_GAIN_DB })
    const times = random.integer(1, max_additions)
    let perturbed = segment
    for (let i = 0; i < times; i++) {
      const seconds = random.uniform(0, max_duration)
      const start = random.uniform(0, noise.duration)
      const end = Math.min(noise.duration, start + seconds)
      const part = noise.samples.subarray(Math.round(start * noise.sampleRate), Math.round(end * noise.sampleRate))
      perturbed = mixAtRandomPlace(perturbed, part.subarray(0, segment.numSamples), factor, random)
    }
    return perturbed
  }
}

function poolsOf(
  manifests: readonly (string | readonly string[])[] | null,
  min: number | readonly number[],
  max: number | readonly number[],
  rates: readonly number[] | null,
): NoisePool[] {
  const at = (level: number | readonly number[], i: number) => (typeof level === 'number' ? level : level[i])
  return (manifests ?? []).map((manifest, i) => {
    const [minSnrDb, maxSnrDb, rate] = [at(min, i), at(max, i), rates === null ? 16_000 : rates[i]]
    if (minSnrDb === undefined || maxSnrDb === undefined || rate === undefined)
      throw new AudioArgumentError(
        `augmentation "rir_noise_aug": expected a signal-to-noise ratio and a rate for each of ${manifests!.length} noise manifests, found none for number ${i}.`,
      )
    return { pool: new AudioPool(manifest), minSnrDb, maxSnrDb, rate }
  })
}

function forRate(pools: readonly NoisePool[], rate: number): NoisePool | undefined {
  return pools.find((pool) => pool.rate === rate) ?? pools.toSorted((a, b) => b.rate - a.rate)[0]
}
