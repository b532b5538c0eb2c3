import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { encodeWav, formatManifestRow, RandomGenerator, resample } from '@nemo/audio'
import { z } from 'zod'
import { rangeSchema, shareSchema } from './acoustics.js'
import { buildCorpusFolder, type CorpusFile, type CorpusFolder, sha256 } from './corpusFolder.js'
import { Espeak } from './espeak.js'
import { activityOf, type CleanSpeech, FRAME_SECONDS, makeNoisyStream } from './noisyStream.js'
import { parseParameters } from './parameters.js'
import { heldOutVariants, introduceSpeakers, inventSpeaker, trainingAccents, trainingVariants } from './voices.js'

/** Parameters of a corpus of speech in noise, as keys of configs; they decide about every byte. */
export const voiceActivitySchema = z.strictObject({
  seed: z.int().min(0).default(1),
  sample_rate: z.int().min(8000).max(48000).default(8000),
  /** Streams of speech in noise. */
  streams: z
    .strictObject({ train: z.int().min(1).max(100_000).default(140), dev: z.int().min(1).max(100_000).default(12) })
    .prefault({}),
  /** Of a stream. */
  seconds: z.number().min(1).max(3600).default(15),
  /** Clips of a stream that are learnt from, half of them with speech in their middle. */
  windows: z.int().min(2).max(10_000).default(100),
  /** Of a clip. */
  window_seconds: z.number().min(0.05).max(10).default(0.31),
  /** Sentences that are synthesised and used again and again, each in another voice. */
  sentences: z.int().min(1).max(10_000).default(300),
  invented_speakers: z.int().min(0).max(10_000).default(120),
  gap_seconds: rangeSchema(0, 60).default([0.15, 2.5]),
  snr_db: rangeSchema(-20, 100).default([2, 40]),
  events: shareSchema.default(0.5),
  echo: shareSchema.default(0.3),
  telephone: shareSchema.default(0.2),
})

/** Parameters with their defaults filled in. */
export type VoiceActivityParameters = z.output<typeof voiceActivitySchema>

/** Options of `makeVoiceActivity`. */
export interface VoiceActivityOptions {
  readonly dir: string
  readonly parameters?: z.input<typeof voiceActivitySchema>
  readonly onProgress?: (made: number, wanted: number) => void
}

const words = (
  'the a this every one two three four five six seven eight nine zero morning evening people water house river letter window ' +
  'garden station music summer winter yellow green little great open close carry follow remember because about between ' +
  'under after never always perhaps question answer children mountain village machine paper silver number happy quickly'
).split(' ')

/** Second keys of the random streams. */
const streams = { speaker: 1, sentence: 2, train: 3, dev: 4 } as const

/**
 * Makes a corpus for voice activity detection, or reuses it: synthesised sentences with pauses between them, in steady noise with
 * beeps, clicks and bursts. `train_manifest.json` and `dev_manifest.json` list clips labelled `speech` or `background` by
 * what is in their middle.
 *
 * Deterministic: bytes depend on the parameters alone. Voices of dev are never heard in training.
 *
 * @throws CorpusOptionError for parameters outside their ranges, CorpusFolderError when the folder holds something else.
 */
export async function makeVoiceActivity(options: VoiceActivityOptions): Promise<CorpusFolder> {
  const parameters = parseParameters('voice activity', voiceActivitySchema, options.parameters ?? {})
  return buildCorpusFolder(options.dir, 'voice-activity', parameters, (partial) =>
    fill(partial, parameters, options.onProgress),
  )
}

async function fill(
  dir: string,
  parameters: VoiceActivityParameters,
  onProgress: ((made: number, wanted: number) => void) | undefined,
): Promise<{ files: CorpusFile[]; facts: Record<string, unknown> }> {
  const espeak = await Espeak.load()
  const counts = parameters.streams
  const sentences = {
    train: Math.max(1, Math.round(parameters.sentences * 0.9)),
    dev: Math.max(1, Math.round(parameters.sentences * 0.1)),
  }
  const wanted = sentences.train + sentences.dev + counts.train + counts.dev
  let made = 0
  const files: CorpusFile[] = []
  const facts: Record<string, unknown> = {}
  const voices = trainingVoices(espeak, parameters)
  for (const split of ['train', 'dev'] as const) {
    await mkdir(join(dir, 'wavs', split), { recursive: true })
    const clips: CleanSpeech[] = []
    for (let i = 0; i < sentences[split]; i++) {
      const random = new RandomGenerator(parameters.seed, streams.sentence, streams[split], i)
      clips.push(speak(espeak, random, split === 'train' ? voices : devVoices, parameters.sample_rate))
      onProgress?.(++made, wanted)
    }
    const lines: string[] = []
    for (let i = 0; i < counts[split]; i++) {
      const random = new RandomGenerator(parameters.seed, streams[split], i)
      const {
        sample_rate: sampleRate,
        seconds,
        gap_seconds: gapSeconds,
        snr_db: snrDb,
        events,
        echo,
        telephone,
      } = parameters
      const style = { sampleRate, seconds, gapSeconds, snrDb, events, echo, telephone }
      const { samples, active } = makeNoisyStream((own) => own.choice(clips), style, random)
      const bytes = encodeWav({ sampleRate, channels: [samples] })
      const path = `wavs/${split}/${String(i).padStart(5, '0')}.wav`
      await writeFile(join(dir, path), bytes)
      files.push({ path, bytes: bytes.length, sha256: sha256(bytes) })
      lines.push(...windowsOf(path, active, parameters, random))
      onProgress?.(++made, wanted)
    }
    const manifest = lines.join('')
    await writeFile(join(dir, `${split}_manifest.json`), manifest)
    files.push({ path: `${split}_manifest.json`, bytes: Buffer.byteLength(manifest), sha256: sha256(manifest) })
    facts[split] = { streams: counts[split], windows: lines.length }
  }
  return { files, facts }
}

function trainingVoices(espeak: Espeak, { invented_speakers, seed }: VoiceActivityParameters): readonly string[] {
  const invented = Array.from({ length: invented_speakers }, (_, at) =>
    inventSpeaker(`invented-${at}`, new RandomGenerator(seed, streams.speaker, at)),
  )
  introduceSpeakers(espeak, invented)
  return [...trainingVariants.female, ...trainingVariants.male, ...invented.map(({ name }) => name)]
}

const devVoices: readonly string[] = [...heldOutVariants.dev.female, ...heldOutVariants.dev.male]

/** A sentence, or a single word now and then. */
function speak(espeak: Espeak, random: RandomGenerator, voices: readonly string[], sampleRate: number): CleanSpeech {
  const text = Array.from({ length: random.random() < 0.3 ? 1 : random.integer(2, 9) }, () =>
    random.choice(words),
  ).join(' ')
  const speech = espeak.synthesize(text, {
    voice: random.choice(trainingAccents),
    variant: random.choice(voices),
    rateWpm: random.uniform(110, 240),
    pitch: random.uniform(25, 75),
    range: random.uniform(15, 85),
    volume: 20,
  })
  const samples = resample(speech.samples, speech.sampleRate, sampleRate, { zeroCrossings: 16 })
  return { samples, active: activityOf(samples, sampleRate) }
}

/** Lines of a manifest for clips around frames with and without speech. */
function windowsOf(
  path: string,
  active: readonly boolean[],
  { windows, window_seconds }: VoiceActivityParameters,
  random: RandomGenerator,
): string[] {
  const half = Math.ceil(window_seconds / 2 / FRAME_SECONDS)
  const inside = Array.from({ length: Math.max(0, active.length - 2 * half) }, (_, i) => i + half)
  return [true, false].flatMap((spoken) => {
    const places = inside.filter((at) => active[at] === spoken)
    if (places.length === 0) return []
    return Array.from({ length: windows >> 1 }, () =>
      formatManifestRow({
        audio_filepath: path,
        offset: Number((random.choice(places) * FRAME_SECONDS - window_seconds / 2 + FRAME_SECONDS / 2).toFixed(4)),
        duration: window_seconds,
        label: spoken ? 'speech' : 'background',
      }),
    )
  })
}
