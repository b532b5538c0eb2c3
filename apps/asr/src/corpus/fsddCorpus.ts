import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import {
  AudioSegment,
  decodeAudio,
  encodeWav,
  formatManifestRow,
  type ManifestRow,
  mixToMono,
  RandomGenerator,
  resample,
} from '@nemo/audio'
import { z } from 'zod'
import { rangeSchema } from './acoustics.js'
import { buildCorpusFolder, type CorpusFile, type CorpusFolder, sha256 } from './corpusFolder.js'
import { digitTranscript } from './digitWords.js'
import { CorpusOptionError } from './errors.js'
import { type Fsdd, type FsddRecording, loadFsdd } from './fsdd.js'
import { makeNoise, rootMeanSquare } from './noise.js'
import { parseParameters } from './parameters.js'
import {
  BandPerturbation,
  ColouredNoisePerturbation,
  RoomEchoPerturbation,
  VoicePerturbation,
} from './speechPerturbations.js'
import { trimQuietEnds } from './trimQuietEnds.js'

/** Manifests of an FSDD corpus: `test` has single recordings, `test_joined` strings of them. */
export const fsddSplits = ['train', 'dev', 'test', 'test_joined'] as const
export type FsddSplit = (typeof fsddSplits)[number]

/** Parameters of an FSDD corpus, as keys of configs; with the recordings they decide about every byte. */
export const fsddSchema = z.strictObject({
  seed: z.int().min(0).default(1),
  /** Of the written audio, in Hz: the recordings' 8000, or a higher rate to resample to. */
  sample_rate: z.int().min(8000).max(48000).default(16000),
  /** A speaker who is left out of training and dev; test is then all of that speaker's recordings. Default none. */
  holdout: z.string().nullable().default(null),
  /** Indices of training recordings (5 and up) that make the dev set instead: two of 45. */
  dev_indices: z.array(z.int().min(5)).default([5, 6]),
  /** Numbers of joined strings. */
  joined: z
    .strictObject({
      train: z.int().min(0).max(1_000_000).default(1500),
      dev: z.int().min(0).max(1_000_000).default(100),
      test: z.int().min(0).max(1_000_000).default(300),
    })
    .prefault({}),
  /** Fewest and most digits of a joined string. */
  joined_digits: z.tuple([z.int(), z.int()]).pipe(rangeSchema(1, 50)).default([2, 7]),
  /** Pause between the digits of a string, in seconds; it is filled with noise as low as the recordings' own. */
  gap_seconds: rangeSchema(0, 10).default([0, 0.35]),
  /** How many times each single and joined training item appears: once as it is, then changed by strong augmentation. */
  copies: z.int().min(1).max(100).default(1),
  /** Half of the changed copies lose what is fainter at their ends than so many decibels below the peak. */
  copy_trim_db: rangeSchema(5, 100).default([10, 30]),
})

/** Parameters with their defaults filled in. */
export type FsddParameters = z.output<typeof fsddSchema>

/** Parameters as given; absent ones keep their defaults. */
export type FsddOverrides = z.input<typeof fsddSchema>

/** Options of `prepareFsdd`. */
export interface FsddOptions {
  /** Folder with the data set; see `loadFsdd`. */
  dataDir: string
  /** Folder of the corpus to make. */
  dir: string
  /** Parameters that differ from the defaults of `fsddSchema`. */
  parameters?: FsddOverrides
  onProgress?: (made: number, wanted: number) => void
}

/** The prepared corpus. */
export interface FsddCorpus extends CorpusFolder {
  /** Paths of the manifests; `audio_filepath` in them is relative to the manifest's folder. */
  manifests: Record<FsddSplit, string>
  /** All speakers of the data set, the held-out one included. */
  speakers: string[]
}

/**
 * Makes a corpus of the Free Spoken Digit Dataset, or reuses it: single recordings and strings of 2 to 7 recordings of one
 * speaker, as 16-bit WAVs and NeMo manifests. Test strings are made of test recordings (index 0 to 4) alone, or with `holdout` of
 * all recordings of that speaker.
 *
 * Deterministic: bytes depend on the recordings and the parameters alone. Speed: about 500 files a second.
 *
 * @throws CorpusFolderError for a folder without recordings, or a work folder that holds something else.
 * @throws CorpusOptionError for an unknown speaker or parameters outside their ranges.
 */
export async function prepareFsdd(options: FsddOptions): Promise<FsddCorpus> {
  const parameters = parseParameters('fsdd', fsddSchema, options.parameters ?? {})
  const data = await loadFsdd(options.dataDir)
  checkHoldout(parameters, data)
  const files = await readRecordings(data)
  const hashes = files.map(({ speaker, digit, index, bytes }) => `${digit}_${speaker}_${index} ${sha256(bytes)}\n`)
  const identity = { ...parameters, recordings: sha256(hashes.join('')) }
  const folder = await buildCorpusFolder(options.dir, 'fsdd', identity, async (partial) => {
    const sources = await Promise.all(files.map((file) => decodeRecording(file, parameters.sample_rate)))
    return new FsddWriter(partial, parameters, options.onProgress).write(sources)
  })
  return {
    ...folder,
    manifests: Object.fromEntries(
      fsddSplits.map((split) => [split, join(options.dir, `${split}_manifest.json`)]),
    ) as Record<FsddSplit, string>,
    speakers: data.speakers,
  }
}

interface RecordingFile extends FsddRecording {
  bytes: Uint8Array
}

interface Source extends FsddRecording {
  segment: AudioSegment
}

async function readRecordings(data: Fsdd): Promise<RecordingFile[]> {
  return Promise.all(
    data.recordings.map(async (recording) => ({ ...recording, bytes: await readFile(recording.path) })),
  )
}

async function decodeRecording({ bytes, ...recording }: RecordingFile, sampleRate: number): Promise<Source> {
  const clip = await decodeAudio(bytes, { source: recording.path })
  const samples = resample(mixToMono(clip), clip.sampleRate, sampleRate)
  return { ...recording, segment: new AudioSegment(samples, sampleRate) }
}

/** Second keys of the random streams. */
const streams: Readonly<Record<string, number>> = { train: 1, dev: 2, test: 3, copy: 4, single: 5 }

class FsddWriter {
  readonly #dir: string
  readonly #parameters: FsddParameters
  readonly #onProgress: ((made: number, wanted: number) => void) | undefined
  readonly #files: CorpusFile[] = []
  readonly #rows = new Map<FsddSplit, ManifestRow[]>(fsddSplits.map((split) => [split, []]))
  #made = 0
  #wanted = 0

  constructor(
    dir: string,
    parameters: FsddParameters,
    onProgress: ((made: number, wanted: number) => void) | undefined,
  ) {
    this.#dir = dir
    this.#parameters = parameters
    this.#onProgress = onProgress
  }

  async write(sources: readonly Source[]): Promise<{ files: CorpusFile[]; facts: Record<string, unknown> }> {
    const { joined, copies } = this.#parameters
    const parts = this.#divide(sources)
    this.#wanted =
      copies * (parts.train.length + joined.train) + parts.dev.length + joined.dev + parts.test.length + joined.test
    for (const split of fsddSplits) await mkdir(join(this.#dir, 'wavs', split), { recursive: true })
    for (const split of ['train', 'dev', 'test'] as const) {
      const target = split === 'test' ? 'test_joined' : split
      for (const [at, source] of parts[split].entries()) {
        await this.#put(split, `${source.digit}_${source.speaker}_${source.index}`, [source], source.segment, at)
      }
      for (let at = 0; at < joined[split]; at++) {
        const random = new RandomGenerator(this.#parameters.seed, streams[split] ?? 0, at)
        const pieces = this.#drawString(parts[split], random)
        await this.#put(target, `joined_${String(at).padStart(5, '0')}`, pieces, this.#join(pieces, random), at)
      }
    }
    return this.#finish()
  }

  #divide(sources: readonly Source[]): Record<'train' | 'dev' | 'test', Source[]> {
    const { holdout, dev_indices } = this.#parameters
    const others = sources.filter(({ speaker }) => speaker !== holdout)
    const training = others.filter(({ split }) => split === 'train')
    return {
      train: training.filter(({ index }) => !dev_indices.includes(index)),
      dev: training.filter(({ index }) => dev_indices.includes(index)),
      test:
        holdout === null
          ? sources.filter(({ split }) => split === 'test')
          : sources.filter(({ speaker }) => speaker === holdout),
    }
  }

  #drawString(sources: readonly Source[], random: RandomGenerator): Source[] {
    const { speaker } = random.choice(sources)
    const own = sources.filter((source) => source.speaker === speaker)
    const length = random.integer(...this.#parameters.joined_digits)
    return Array.from({ length }, () => {
      const digit = random.integer(0, 9)
      const spoken = own.filter((source) => source.digit === digit)
      return random.choice(spoken.length > 0 ? spoken : own)
    })
  }

  /** Puts recordings one after the other, each at a slightly other level, over the noise of the quietest one. */
  #join(pieces: readonly Source[], random: RandomGenerator): AudioSegment {
    const { sample_rate: sampleRate } = this.#parameters
    const gaps = pieces.map(() => Math.round(random.uniform(...this.#parameters.gap_seconds) * sampleRate))
    const length = pieces.reduce((sum, { segment }, at) => sum + segment.numSamples + gaps[at]!, 0)
    const floor = Math.min(...pieces.map(({ segment }) => noiseFloor(segment)))
    const samples = makeNoise('pink', length, sampleRate, random).map((sample) => sample * floor)
    const edge = Math.round(0.004 * sampleRate)
    let start = Math.round(gaps[gaps.length - 1]! / 2)
    for (const [at, { segment }] of pieces.entries()) {
      const gain = 10 ** (random.uniform(-3, 3) / 20)
      for (let t = 0; t < segment.numSamples; t++) {
        const fade = Math.min(1, (t + 1) / edge, (segment.numSamples - t) / edge)
        samples[start + t] = (1 - fade) * samples[start + t]! + fade * gain * segment.samples[t]!
      }
      start += segment.numSamples + (at + 1 < pieces.length ? gaps[at]! : 0)
    }
    return new AudioSegment(samples, sampleRate)
  }

  async #put(
    split: FsddSplit,
    name: string,
    pieces: readonly Source[],
    segment: AudioSegment,
    at: number,
  ): Promise<void> {
    const copies = split === 'train' ? this.#parameters.copies : 1
    for (let copy = 0; copy < copies; copy++) {
      const random = new RandomGenerator(
        this.#parameters.seed,
        streams.copy ?? 0,
        copy,
        at,
        pieces.length === 1 ? 1 : 0,
      )
      const { samples } = copy === 0 ? segment : augmentStrongly(segment, random, this.#parameters.copy_trim_db)
      const path = `wavs/${split}/${name}${copy === 0 ? '' : `_copy${copy}`}.wav`
      const bytes = encodeWav({ sampleRate: segment.sampleRate, channels: [limitPeak(samples)] })
      await writeFile(join(this.#dir, path), bytes)
      this.#files.push({ path, bytes: bytes.length, sha256: sha256(bytes) })
      this.#rows.get(split)?.push({
        audio_filepath: path,
        duration: Number((samples.length / segment.sampleRate).toFixed(4)),
        text: digitTranscript(pieces.map(({ digit }) => digit)),
        speaker: pieces[0]?.speaker,
      })
      this.#onProgress?.(++this.#made, this.#wanted)
    }
  }

  async #finish(): Promise<{ files: CorpusFile[]; facts: Record<string, unknown> }> {
    const facts: Record<string, unknown> = {}
    for (const [split, rows] of this.#rows) {
      const manifest = rows.map(formatManifestRow).join('')
      const path = `${split}_manifest.json`
      await writeFile(join(this.#dir, path), manifest)
      this.#files.push({ path, bytes: Buffer.byteLength(manifest), sha256: sha256(manifest) })
      facts[split] = {
        utterances: rows.length,
        seconds: Number(rows.reduce((sum, { duration }) => sum + duration, 0).toFixed(3)),
        speakers: [...new Set(rows.map(({ speaker }) => speaker))].sort(),
      }
    }
    return { files: this.#files, facts }
  }
}

const strongVoice = new VoicePerturbation()
const strongBand = new BandPerturbation()
const strongNoise = new ColouredNoisePerturbation()
const roomEcho = new RoomEchoPerturbation()

/**
 * A copy of speech as another person, elsewhere, would have said it: always another voice, often cut more closely, with another
 * microphone, noise, an echo, at another level. For use on the fly the same changes are perturbations for configs; see `registerSpeechPerturbations`.
 */
export function augmentStrongly(
  segment: AudioSegment,
  random: RandomGenerator,
  trimDb: readonly [number, number],
): AudioSegment {
  let changed = strongVoice.perturb(segment, random)
  if (random.random() < 0.5) changed = changed.withSamples(trimQuietEnds(changed.samples, random.uniform(...trimDb)))
  if (random.random() < 0.3) changed = roomEcho.perturb(changed, random)
  if (random.random() < 0.6) changed = strongNoise.perturb(changed, random)
  if (random.random() < 0.7) changed = strongBand.perturb(changed, random)
  return changed.gainDb(random.uniform(-12, 6))
}

/** Root mean square of the quietest 10 ms, at most 1 % of full scale. */
function noiseFloor({ samples, sampleRate }: AudioSegment): number {
  const frame = Math.max(1, Math.round(0.01 * sampleRate))
  let floor = 0.01
  for (let start = 0; start + frame <= samples.length; start += frame) {
    floor = Math.min(floor, rootMeanSquare(samples.subarray(start, start + frame)))
  }
  return floor
}

function limitPeak(samples: Float32Array): Float32Array {
  let peak = 0
  for (const sample of samples) peak = Math.max(peak, Math.abs(sample))
  return peak <= 0.99 ? samples : samples.map((sample) => (0.99 * sample) / peak)
}

function checkHoldout({ holdout }: FsddParameters, data: Fsdd): void {
  if (holdout === null) return
  if (!data.speakers.includes(holdout)) {
    throw new CorpusOptionError(
      `holdout: "${holdout}" is no speaker of ${data.dir}. Speakers: ${data.speakers.join(', ')}.`,
    )
  }
  if (data.speakers.length < 2) {
    throw new CorpusOptionError(`holdout: ${data.dir} has one speaker only (${holdout}); nobody is left to train on.`)
  }
}
