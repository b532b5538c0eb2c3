import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { buildCorpusFolder, type CorpusFile, type CorpusFolder, sha256 } from './corpusFolder.js'
import type { Acoustics } from './digitUtterance.js'
import { CorpusOptionError } from './errors.js'
import type { ManifestLine } from './spokenDigitsMaker.js'
import { makeChunks } from './spokenDigitsPool.js'

/** The three parts of a corpus. */
export type CorpusSplit = 'train' | 'dev' | 'test'

/** All that decides about the content of a spoken-digits corpus. Plain data; equal parameters give equal bytes. */
export interface SpokenDigitsParameters {
  seed: number
  /** Number of utterances in each split. */
  utterances: Record<CorpusSplit, number>
  /** Fewest and most digits of an utterance; every length in between is equally likely. */
  digits: readonly [number, number]
  /** How many speakers are invented besides espeak-ng's own; they speak in training only. */
  inventedSpeakers: number
  /** Part of the training utterances that invented speakers say, 0 to 1. */
  inventedShare: number
  /** Part of the training utterances in which English is read by the sounds of another language, 0 to 1. */
  foreignShare: number
  acoustics: Acoustics
}

/** Parameters that differ from the defaults; absent ones, also inside `utterances` and `acoustics`, keep them. */
export type SpokenDigitsOverrides = Partial<Omit<SpokenDigitsParameters, 'acoustics' | 'utterances'>> & {
  utterances?: Partial<Record<CorpusSplit, number>>
  acoustics?: Partial<Acoustics>
}

/** Options of `makeSpokenDigits`: where, how fast, and what differs from `spokenDigitsDefaults`. */
export interface SpokenDigitsOptions {
  /** Folder of the corpus. */
  dir: string
  /** Parameters that differ from the defaults. */
  parameters?: SpokenDigitsOverrides
  /** Worker threads; 0 makes everything in this thread. Default: one for each processor, at most 8. */
  workers?: number
  /** Called after each chunk with the numbers of utterances made and wanted. */
  onProgress?: (made: number, wanted: number) => void
}

/** A corpus and its manifests. */
export interface SpokenDigitsCorpus extends CorpusFolder {
  /** Paths of the manifests; `audio_filepath` in them is relative to the manifest's folder. */
  manifests: Record<CorpusSplit, string>
}

/**
 * The corpus of the recipe `asr/spoken-digits`: strings of 1 to 7 digits, about 1.8 s on average, from 16 kHz telephone-like
 * to clear, with noise at 8 dB or more.
 */
export const spokenDigitsDefaults: SpokenDigitsParameters = {
  seed: 1,
  utterances: { train: 3000, dev: 200, test: 400 },
  digits: [1, 7],
  inventedSpeakers: 200,
  inventedShare: 0.5,
  foreignShare: 0,
  acoustics: {
    sampleRate: 16000,
    bandwidthHz: 8000,
    rateWpm: [120, 230],
    isolated: 0.1,
    clean: 0.3,
    snrDb: [8, 30],
    echo: 0.25,
    telephone: 0.1,
    paddingSeconds: [0.05, 0.3],
    levelDb: [-34, -14],
  },
}

/**
 * Makes the synthetic spoken-digits corpus, or reuses it: 16-bit WAVs, NeMo manifests (`audio_filepath`, `duration`, `text`,
 * `speaker`) for train, dev and test, and `corpus.json` with parameters, hashes, counts and voices.
 *
 * Voices of dev and test (`heldOutVariants`, and the accent `heldOutAccent` in half of their utterances) are never heard in
 * training. Half of the utterances of each split are female.
 *
 * Deterministic: the bytes depend on the parameters alone, not on the number of workers; each utterance has a random stream
 * of its own. Speed: about 100 utterances a second and core.
 *
 * @throws CorpusOptionError for parameters outside their ranges.
 * @throws CorpusFolderError when the folder holds something else.
 */
export async function makeSpokenDigits(options: SpokenDigitsOptions): Promise<SpokenDigitsCorpus> {
  const { dir, onProgress, workers } = options
  const parameters = completeParameters(options.parameters ?? {})
  const folder = await buildCorpusFolder(dir, 'spoken-digits', parameters, (partial) =>
    fill(partial, parameters, workers, onProgress),
  )
  return {
    ...folder,
    manifests: {
      train: join(dir, 'train_manifest.json'),
      dev: join(dir, 'dev_manifest.json'),
      test: join(dir, 'test_manifest.json'),
    },
  }
}

async function fill(
  dir: string,
  parameters: SpokenDigitsParameters,
  workers: number | undefined,
  onProgress: ((made: number, wanted: number) => void) | undefined,
): Promise<{ files: CorpusFile[]; facts: Record<string, unknown> }> {
  const splits = ['train', 'dev', 'test'] as const
  for (const split of splits) await mkdir(join(dir, 'wavs', split), { recursive: true })
  const files: CorpusFile[] = []
  const lines: Record<CorpusSplit, ManifestLine[]> = { train: [], dev: [], test: [] }
  const wanted = splits.reduce((sum, split) => sum + parameters.utterances[split], 0)
  const chunks = splits.flatMap((split) => chunksOf(split, parameters.utterances[split]))
  let made = 0
  const results = await makeChunks(dir, parameters, chunks, workers, (count) => {
    made += count
    onProgress?.(made, wanted)
  })
  for (const [at, result] of results.entries()) {
    files.push(...result.files)
    lines[chunks[at]!.split].push(...result.lines)
  }
  const facts: Record<string, unknown> = {}
  for (const split of splits) {
    const manifest = lines[split].map((line) => `${JSON.stringify(line)}\n`).join('')
    const path = `${split}_manifest.json`
    await writeFile(join(dir, path), manifest)
    files.push({ path, bytes: Buffer.byteLength(manifest), sha256: sha256(manifest) })
    facts[split] = {
      utterances: lines[split].length,
      seconds: Number(lines[split].reduce((sum, { duration }) => sum + duration, 0).toFixed(3)),
      speakers: [...new Set(lines[split].map(({ speaker }) => speaker))].sort(),
    }
  }
  return { files, facts }
}

/** A run of utterances that one worker makes at a time. */
export interface SpokenDigitsChunk {
  split: CorpusSplit
  /** First index. */
  from: number
  /** Index after the last. */
  to: number
}

const chunkUtterances = 25

function chunksOf(split: CorpusSplit, utterances: number): SpokenDigitsChunk[] {
  return Array.from({ length: Math.ceil(utterances / chunkUtterances) }, (_, chunk) => ({
    split,
    from: chunk * chunkUtterances,
    to: Math.min((chunk + 1) * chunkUtterances, utterances),
  }))
}

function completeParameters(given: SpokenDigitsOverrides): SpokenDigitsParameters {
  const parameters: SpokenDigitsParameters = {
    ...spokenDigitsDefaults,
    ...given,
    utterances: { ...spokenDigitsDefaults.utterances, ...given.utterances },
    acoustics: { ...spokenDigitsDefaults.acoustics, ...given.acoustics },
  }
  const { acoustics, utterances } = parameters
  checkWhole('seed', parameters.seed, 0, Number.MAX_SAFE_INTEGER)
  for (const [split, count] of Object.entries(utterances)) checkWhole(`utterances.${split}`, count, 0, 1_000_000)
  checkRange('digits', parameters.digits, 1, 20)
  checkWhole('inventedSpeakers', parameters.inventedSpeakers, 0, 10_000)
  for (const share of ['inventedShare', 'foreignShare'] as const) checkShare(share, parameters[share])
  for (const share of ['isolated', 'clean', 'echo', 'telephone'] as const) checkShare(share, acoustics[share])
  if (parameters.inventedShare > 0 && parameters.inventedSpeakers === 0) {
    throw new CorpusOptionError(
      'inventedShare is above 0 but inventedSpeakers is 0. Raise inventedSpeakers or set the share to 0.',
    )
  }
  checkWhole('acoustics.sampleRate', acoustics.sampleRate, 8000, 48000)
  checkWhole('acoustics.bandwidthHz', acoustics.bandwidthHz, 2000, 24000)
  checkRange('acoustics.rateWpm', acoustics.rateWpm, 80, 390)
  checkRange('acoustics.snrDb', acoustics.snrDb, -20, 100)
  checkRange('acoustics.paddingSeconds', acoustics.paddingSeconds, 0, 10)
  checkRange('acoustics.levelDb', acoustics.levelDb, -60, 0)
  return parameters
}

function checkWhole(name: string, value: number, lowest: number, highest: number): void {
  if (!Number.isInteger(value) || value < lowest || value > highest) {
    throw new CorpusOptionError(`${name}: expected a whole number from ${lowest} to ${highest}, found ${value}.`)
  }
}

function checkShare(name: string, value: number): void {
  if (!(value >= 0 && value <= 1)) throw new CorpusOptionError(`${name}: expected 0 to 1, found ${value}.`)
}

function checkRange(name: string, [low, high]: readonly [number, number], lowest: number, highest: number): void {
  if (!(low >= lowest && low <= high && high <= highest)) {
    throw new CorpusOptionError(`${name}: expected a range within ${lowest} to ${highest}, found ${low} to ${high}.`)
  }
}
