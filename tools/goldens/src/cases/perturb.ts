import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  AudioError,
  AudioSegment,
  addWhiteNoise,
  nonSilentRange,
  normalizeFeatures,
  processAugmentations,
  RandomGenerator,
  readAudio,
  writeManifest,
} from '@nemo/audio'
import { compile, constant, input, type Runtime, type TensorData } from '@nemo/graph'
import type { CaseHandler } from '../caseHandler.js'
import type { Comparison } from '../comparison.js'
import type { GoldenCase } from '../goldenCase.js'

interface Perturbed {
  readonly name: string
  readonly aug_type: string
  readonly config: Readonly<Record<string, unknown>>
  readonly file?: string
  readonly array: string
}

interface Reading {
  readonly file: string
  readonly arguments: { readonly offset?: number; readonly duration?: number }
  readonly sample_rate: number
  readonly duration: number
  readonly orig_sr: number
  readonly samples: string
}

interface Subsegment {
  readonly start: number | null
  readonly end: number | null
  readonly num_samples?: number
  readonly first_sample_index?: number
}

interface Normalized {
  readonly normalize_type: string | { readonly fixed_mean: readonly unknown[]; readonly fixed_std: readonly unknown[] }
  readonly array?: string
}

const floats = (data: Float32Array): TensorData => ({ dtype: 'float32', shape: [data.length], data })
const random = () => new RandomGenerator(1)

/** Waveforms: `perturbations` with their arguments, `reading` of files, parts, padding, power, trimming, `normalize_batch`. */
export const perturb: CaseHandler = {
  kind: 'waveforms',
  matches: (golden) => golden.list('perturbations').length > 0,
  async run(golden, comparison, { runtime }) {
    const samples = golden.array('samples').data as Float32Array
    const segment = new AudioSegment(samples, Number(golden.json.sample_rate))
    await perturbations(golden, comparison, segment)
    await readings(golden, comparison)
    segments(golden, comparison, segment)
    await normalizations(golden, comparison, runtime)
    refusals(golden, comparison)
  },
}

async function perturbations(golden: GoldenCase, comparison: Comparison, segment: AudioSegment): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'nemo-goldens-'))
  try {
    for (const { name, aug_type, config, file, array } of golden.list<Perturbed>('perturbations')) {
      const options: Record<string, unknown> = { prob: 1, ...config }
      if (file !== undefined) {
        options.manifest_path = join(folder, `${name}.json`)
        const row = { audio_filepath: join(golden.folder, file), duration: 0 }
        await writeManifest(options.manifest_path as string, [row])
      }
      const perturbed = await processAugmentations({ [aug_type]: options })!.perturb(segment, random())
      comparison.array(array, floats(perturbed.samples))
    }
  } finally {
    rmSync(folder, { recursive: true })
  }
  for (const level of golden.list<Record<string, number>>('white_noise')) {
    const silence = new AudioSegment(new Float32Array(100_000), 16_000)
    const { rmsDb } = addWhiteNoise(silence, level.min_level!, random())
    comparison.number(`white noise of ${level.min_level} dB`, rmsDb, level.rms_db_expected!, level.tolerance_db!)
  }
}

async function readings(golden: GoldenCase, comparison: Comparison): Promise<void> {
  for (const { file, arguments: asked, sample_rate, duration, orig_sr, samples } of golden.list<Reading>('reading')) {
    // NeMo averages a stereo file over time and keeps two samples, a mistake that we do not repeat.
    if (golden.spec(samples).shape[0] === 2) continue
    const read = await readAudio(join(golden.folder, file), { offset: asked.offset, duration: asked.duration })
    comparison.array(samples, floats(read.samples))
    comparison.equal(
      `${samples}: rate, duration, original rate`,
      [read.sampleRate, read.duration, read.origSr],
      [sample_rate, duration, orig_sr],
    )
  }
}

function segments(golden: GoldenCase, comparison: Comparison, segment: AudioSegment): void {
  for (const { start, end, num_samples, first_sample_index } of golden.list<Subsegment>('subsegment')) {
    const what = `subsegment ${start} to ${end}`
    const cut = () => segment.subsegment({ start: start ?? undefined, end: end ?? undefined }).samples
    if (num_samples === undefined) refused(comparison, what, cut)
    else
      comparison.equal(
        what,
        [...cut()],
        [...segment.samples.slice(first_sample_index, first_sample_index! + num_samples)],
      )
  }
  for (const { dtype, input: integers, samples } of golden.list<Record<string, never>>('integers')) {
    const typed = dtype === 'int16' ? Int16Array.from(integers!) : Int32Array.from(integers!)
    comparison.equal(`${dtype} samples`, [...AudioSegment.fromSamples(typed, 16_000).samples], samples)
  }
  for (const { pad_size, symmetric, num_samples, first, last } of golden.list<Record<string, never>>('pad')) {
    const padded = segment.subsegment({ end: 10 / segment.sampleRate }).pad(pad_size!, { symmetric: symmetric! })
    comparison.equal(
      `pad ${pad_size}`,
      [padded.numSamples, padded.samples[0], padded.samples.at(-1)],
      [num_samples, first, last],
    )
  }
  const { rms_db, rms_db_after_gain_6 } = golden.json.rms as Record<string, number>
  comparison.number('rms_db', segment.rmsDb, rms_db!, 1e-4)
  comparison.number('rms_db after gain_db(6)', segment.gainDb(6).rmsDb, rms_db_after_gain_6!, 1e-4)
  for (const { trim_db, start, end } of golden.list<Record<string, number>>('trim')) {
    const range = nonSilentRange(golden.array('trim/input').data as Float32Array, { topDb: trim_db })
    comparison.equal(`trim at ${trim_db} dB`, [range.start, range.end], [start, end])
  }
}

async function normalizations(golden: GoldenCase, comparison: Comparison, runtime: Runtime): Promise<void> {
  const [x, length] = [golden.array('normalize/input'), golden.array('normalize/length')]
  for (const { normalize_type: type, array } of golden.list<Normalized>('normalize')) {
    // NeMo wants fixed statistics for each item of a batch, where ours hold for all; and refuses what we take.
    if (array === undefined) continue
    const signal = input('x', 'float32', x.shape)
    const lengths = input('lengths', 'int64', length.shape)
    const column = (values: readonly unknown[]) => {
      const data = Float32Array.from(values.flat() as number[])
      return constant({ dtype: 'float32', shape: [x.shape[0]!, x.shape[1]!, 1], data })
    }
    const normalization =
      typeof type === 'string'
        ? (type as 'per_feature')
        : { mean: column(type.fixed_mean), deviation: column(type.fixed_std) }
    if (normalization !== ('none' as never)) {
      const program = await compile({ y: normalizeFeatures(signal, lengths, normalization) }, { runtime })
      comparison.array(array, (await program.run(typeof type === 'string' ? { x, lengths: length } : { x })).y!)
      await program.dispose()
    } else comparison.array(array, x)
  }
}

function refusals(golden: GoldenCase, comparison: Comparison): void {
  const errors = golden.json.errors as Readonly<Record<string, unknown>>
  const gain = { min_gain_dbfs: 0, max_gain_dbfs: 0 }
  const attempts: Readonly<Record<string, () => unknown>> = {
    'uint8 samples': () => AudioSegment.fromSamples(new Uint8Array(4) as never, 16_000),
    'augmentor without prob': () => processAugmentations({ gain }),
    'augmentor with prob 1.5': () => processAugmentations({ gain: { prob: 1.5, ...gain } }),
    'white noise with min_level = max_level': () =>
      processAugmentations({ white_noise: { prob: 1, min_level: -40, max_level: -40 } }),
    'unknown augmentation': () => processAugmentations({ louder: { prob: 1 } }),
  }
  for (const what of Object.keys(errors)) {
    const attempt = attempts[what]
    if (attempt) refused(comparison, what, attempt)
    else comparison.fail(what, 'is not known')
  }
}

function refused(comparison: Comparison, what: string, attempt: () => unknown): void {
  try {
    attempt()
    comparison.fail(what, 'is accepted, expected an error')
  } catch (error) {
    comparison.equal(what, error instanceof AudioError, true)
  }
}
