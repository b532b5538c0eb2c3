import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { RandomGenerator, readAudio } from '@nemo/audio'
import { loadFsdd } from './fsdd.js'
import { activityOf, type CleanSpeech, FRAME_SECONDS, makeNoisyStream, type NoisyStream } from './noisyStream.js'

/** Options of `realStreams`. */
export interface RealStreamsOptions {
  readonly streams: number
  /** Of a stream. */
  readonly seconds: number
  readonly seed: number
  /** Speech over noise, in decibels. */
  readonly snr_db: readonly [number, number]
}

/** A set of streams of real speech in noise. */
export interface RealStreams {
  readonly name: string
  readonly streams: readonly NoisyStream[]
}

/**
 * Test recordings of the Free Spoken Digit Dataset with pauses between them, in noise. They are trimmed closely: each one
 * counts as speech from end to end.
 */
export async function digitStreams(
  dataDir: string,
  sampleRate: number,
  options: RealStreamsOptions,
): Promise<RealStreams> {
  const { recordings } = await loadFsdd(dataDir)
  const tested = recordings.filter(({ split }) => split === 'test')
  const clips = await Promise.all(
    tested.map(async ({ path }): Promise<CleanSpeech> => {
      const { samples } = await readAudio(path, { sampleRate })
      const frames = Math.ceil(samples.length / (FRAME_SECONDS * sampleRate))
      return { samples, active: new Array<boolean>(frames).fill(true) }
    }),
  )
  return { name: 'digits of people', streams: streamsOf(clips, sampleRate, options) }
}

/**
 * Read sentences with pauses between them, in noise; where in a sentence there is speech is measured before the noise is
 * added (see `activityOf`).
 *
 * @param folder - Audio files, such as LJSpeech's `wavs`.
 */
export async function sentenceStreams(
  folder: string,
  sampleRate: number,
  options: RealStreamsOptions,
): Promise<RealStreams> {
  const names = (await readdir(folder)).filter((name) => /\.(wav|flac|mp3|ogg)$/i.test(name)).sort()
  const clips = await Promise.all(
    names.map(async (name): Promise<CleanSpeech> => {
      const { samples } = await readAudio(join(folder, name), { sampleRate })
      return { samples, active: activityOf(samples, sampleRate) }
    }),
  )
  return { name: 'read sentences', streams: streamsOf(clips, sampleRate, options) }
}

function streamsOf(
  clips: readonly CleanSpeech[],
  sampleRate: number,
  { streams, seconds, seed, snr_db }: RealStreamsOptions,
): NoisyStream[] {
  const style = {
    sampleRate,
    seconds,
    gapSeconds: [0.3, 2] as const,
    snrDb: snr_db,
    events: 0.3,
    echo: 0,
    telephone: 0.1,
  }
  return Array.from({ length: streams }, (_, i) =>
    makeNoisyStream((random) => random.choice(clips), style, new RandomGenerator(seed, i)),
  )
}
