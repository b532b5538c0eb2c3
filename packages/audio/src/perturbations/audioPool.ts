import { z } from 'zod'
import type { AudioSegment } from '../audioSegment.js'
import { loadManifest, type Manifest } from '../manifest/loadManifest.js'
import type { RandomGenerator } from '../randomGenerator.js'
import { readAudio } from '../readAudio.js'

/** Configuration keys of perturbations that draw recordings from a manifest. */
export const audioPoolConfig = {
  manifest_path: z.union([z.string(), z.array(z.string())]),
  audio_tar_filepaths: z
    .null('tarred recordings are not supported: unpack the tar files and list the recordings in the manifest')
    .optional(),
  /** Only for tarred recordings. */
  shuffle_n: z.number().optional(),
}

/** Recordings of a manifest to draw from: noises, impulse responses. The manifest is read at the first draw. */
export class AudioPool {
  readonly #paths: string | readonly string[]
  #manifest: Promise<Manifest> | undefined

  constructor(paths: string | readonly string[]) {
    this.#paths = paths
  }

  /** A random recording, resampled to `sampleRate` Hz. @throws ManifestError or the errors of readAudio. */
  async draw(sampleRate: number, random: RandomGenerator): Promise<AudioSegment> {
    this.#manifest ??= loadManifest(this.#paths, { target: 'none' })
    const { entries } = await this.#manifest
    const { audioFile, offset, duration } = random.choice(entries)
    return readAudio(audioFile, { sampleRate, offset, duration })
  }
}
