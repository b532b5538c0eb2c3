import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { formatRttm, type SpeakerSegment } from '@nemo/asr'
import { encodeWav, formatManifestRow, RandomGenerator, readAudio } from '@nemo/audio'
import { z } from 'zod'
import { rangeSchema } from './acoustics.js'
import { buildCorpusFolder, type CorpusFile, type CorpusFolder, sha256 } from './corpusFolder.js'
import { CorpusOptionError } from './errors.js'
import { loadFsdd } from './fsdd.js'
import { makeNoise } from './noise.js'
import { parseParameters } from './parameters.js'

/** Parameters of conversations, as keys of configs; with the recordings they decide about every byte. */
export const conversationsSchema = z.strictObject({
  seed: z.int().min(0).default(1),
  sample_rate: z.int().min(8000).max(48000).default(8000),
  conversations: z.int().min(1).max(10_000).default(10),
  /** Of a conversation, about. */
  seconds: z.number().min(5).max(36_000).default(45),
  /** Fewest and most people of a conversation. */
  speakers: z.tuple([z.int(), z.int()]).pipe(rangeSchema(1, 100)).default([2, 4]),
  /** Length of a turn: digits of one person with short pauses between them. */
  turn_seconds: rangeSchema(0.5, 60).default([1.5, 5]),
  /** Between turns. */
  gap_seconds: rangeSchema(0, 10).default([0.2, 0.8]),
})

/** A conversation and who speaks in it. */
export interface Conversation {
  readonly audioFile: string
  readonly rttmFile: string
  readonly speakers: number
}

/** Conversations, and where in them there is speech. */
export interface Conversations extends CorpusFolder {
  readonly conversations: readonly Conversation[]
  /** A line for each turn: `offset`, `duration`. */
  readonly speechManifest: string
}

/**
 * Joins test recordings of the Free Spoken Digit Dataset to conversations, or reuses them: turns of several digits, a person
 * after another, over quiet noise.
 *
 * @throws CorpusFolderError for a folder without recordings; CorpusOptionError for more people than there are.
 */
export async function makeConversations(options: {
  readonly dataDir: string
  readonly dir: string
  readonly parameters?: z.input<typeof conversationsSchema>
}): Promise<Conversations> {
  const { dataDir, dir } = options
  const parameters = parseParameters('conversations', conversationsSchema, options.parameters ?? {})
  const data = await loadFsdd(dataDir)
  if (parameters.speakers[1] > data.speakers.length)
    throw new CorpusOptionError(
      `conversations corpus, key speakers: there are ${data.speakers.length} people; found ${JSON.stringify(parameters.speakers)}.`,
    )
  const { sample_rate: sampleRate } = parameters
  const tested = data.recordings.filter(({ split }) => split === 'test')
  const clips = await Promise.all(
    tested.map(async ({ path, speaker }) => ({ speaker, samples: (await readAudio(path, { sampleRate })).samples })),
  )
  const names = Array.from({ length: parameters.conversations }, (_, i) => `conversation-${i}`)
  const people = (i: number) => new RandomGenerator(parameters.seed, i, 0).integer(...parameters.speakers)
  const folder = await buildCorpusFolder(
    dir,
    'conversations',
    { ...parameters, recordings: tested.length },
    async (partial) => {
      await mkdir(join(partial, 'wavs'), { recursive: true })
      const files: CorpusFile[] = []
      const put = async (path: string, contents: Uint8Array | string) => {
        await writeFile(join(partial, path), contents)
        files.push({ path, bytes: Buffer.byteLength(contents), sha256: sha256(contents) })
      }
      const lines: string[] = []
      for (const [i, name] of names.entries()) {
        const random = new RandomGenerator(parameters.seed, i, 1)
        const chosen = draw(data.speakers, people(i), random)
        const { samples, turns } = converse(
          chosen.map((speaker) => ({ speaker, clips: clips.filter((clip) => clip.speaker === speaker) })),
          parameters,
          random,
        )
        await put(`wavs/${name}.wav`, encodeWav({ sampleRate, channels: [samples] }))
        await put(`wavs/${name}.rttm`, formatRttm(turns, name))
        for (const { start, duration } of turns)
          lines.push(formatManifestRow({ audio_filepath: `wavs/${name}.wav`, offset: start, duration }))
      }
      await put('speech_manifest.json', lines.join(''))
      return { files, facts: { conversations: names.length, turns: lines.length } }
    },
  )
  return {
    ...folder,
    speechManifest: join(dir, 'speech_manifest.json'),
    conversations: names.map((name, i) => ({
      audioFile: join(dir, 'wavs', `${name}.wav`),
      rttmFile: join(dir, 'wavs', `${name}.rttm`),
      speakers: people(i),
    })),
  }
}

interface Person {
  readonly speaker: string
  readonly clips: readonly { readonly samples: Float32Array }[]
}

function converse(
  people: readonly Person[],
  { sample_rate: rate, seconds, turn_seconds, gap_seconds }: z.output<typeof conversationsSchema>,
  random: RandomGenerator,
): { samples: Float32Array; turns: SpeakerSegment[] } {
  const turns: SpeakerSegment[] = []
  const pieces: { at: number; samples: Float32Array }[] = []
  let at = Math.round(random.uniform(...gap_seconds) * rate)
  let last = -1
  for (let turn = 0; at < seconds * rate; turn++) {
    // Everybody speaks once before anybody is drawn.
    const next = turn < people.length ? turn : drawOther(people.length, last, random)
    const start = at
    const end = at + random.uniform(...turn_seconds) * rate
    while (at < end) {
      const { samples } = random.choice(people[next]!.clips)
      pieces.push({ at, samples })
      at += samples.length + Math.round(random.uniform(0.02, 0.15) * rate)
    }
    const { at: begin, samples } = pieces.at(-1)!
    turns.push({
      start: start / rate,
      duration: (begin + samples.length - start) / rate,
      speaker: people[next]!.speaker,
    })
    at = begin + samples.length + Math.round(random.uniform(...gap_seconds) * rate)
    last = next
  }
  const noise = makeNoise('pink', at, rate, random)
  const mixed = noise.map((sample) => 0.001 * sample)
  for (const piece of pieces)
    for (const [t, sample] of piece.samples.entries()) mixed[piece.at + t] = mixed[piece.at + t]! + 0.7 * sample
  return { samples: mixed, turns }
}

const drawOther = (count: number, last: number, random: RandomGenerator): number =>
  count === 1 ? 0 : (last + random.integer(1, count - 1)) % count

function draw(from: readonly string[], count: number, random: RandomGenerator): string[] {
  const left = [...from]
  return Array.from({ length: count }, () => left.splice(random.integer(0, left.length - 1), 1)[0]!)
}
