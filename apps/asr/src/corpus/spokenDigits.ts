import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import { acousticsSchema, rangeSchema, shareSchema } from './acoustics.js'
import { buildCorpusFolder, type CorpusFile, type CorpusFolder, sha256 } from './corpusFolder.js'
import { parseParameters } from './parameters.js'
import type { ManifestLine } from './spokenDigitsMaker.js'
import { makeChunks } from './spokenDigitsPool.js'

/** The three parts of a corpus. */
export type CorpusSplit = 'train' | 'dev' | 'test'

/**
 * Parameters of a spoken-digits corpus, as keys of configs; they decide about every byte. The defaults are the corpus of the
 * recipe `asr/spoken-digits`: strings of 1 to 7 digits, 1.8 s on average, from clear to noisy (8 dB), some over a telephone.
 */
export const spokenDigitsSchema = z.strictObject({
  seed: z.int().min(0).default(1),
  /** Number of utterances in each split. */
  utterances: z
    .strictObject({
      train: z.int().min(0).max(1_000_000).default(3000),
      dev: z.int().min(0).max(1_000_000).default(200),
      test: z.int().min(0).max(1_000_000).default(400),
    })
    .prefault({}),
  /** Fewest and most digits of an utterance; every length in between is equally likely. */
  digits: z.tuple([z.int(), z.int()]).pipe(rangeSchema(1, 20)).default([1, 7]),
  /** Part of the utterances that are single digits, besides those that `digits` makes. */
  single_share: shareSchema.default(0),
  /** How many speakers are invented besides espeak-ng's own; they speak in training only. */
  invented_speakers: z.int().min(0).max(10_000).default(200),
  /** Part of the training utterances that invented speakers say, as far as there are any. */
  invented_share: shareSchema.default(0.5),
  /** Part of the training utterances in which English is read by the sounds of another language. */
  foreign_share: shareSchema.default(0),
  acoustics: acousticsSchema.prefault({}),
})

/** Parameters with their defaults filled in. */
export type SpokenDigitsParameters = z.output<typeof spokenDigitsSchema>

/** Parameters as given: absent ones, also inside `utterances` and `acoustics`, keep their defaults. */
export type SpokenDigitsOverrides = z.input<typeof spokenDigitsSchema>

/** Options of `makeSpokenDigits`: where, how fast, and what differs from the defaults of `spokenDigitsSchema`. */
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
 * Makes the synthetic spoken-digits corpus, or reuses it: 16-bit WAVs, NeMo manifests (`audio_filepath`, `duration`, `text`,
 * `speaker`) for train, dev and test, and `corpus.json` with parameters, hashes, counts and voices.
 *
 * Voices of dev and test (`heldOutVariants`, and the accent `heldOutAccent` in half of their utterances) are never heard in
 * training. Half of the utterances of each split are female.
 *
 * Deterministic: the bytes depend on the parameters alone, not on the number of workers; each utterance has a random stream
 * of its own. Speed: about 100 utterances a second and core.
 *
 * @throws CorpusOptionError for unknown parameters or values outside their ranges.
 * @throws CorpusFolderError when the folder holds something else.
 */
export async function makeSpokenDigits(options: SpokenDigitsOptions): Promise<SpokenDigitsCorpus> {
  const { dir, onProgress, workers } = options
  const parameters = parseParameters('spoken-digits', spokenDigitsSchema, options.parameters ?? {})
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
