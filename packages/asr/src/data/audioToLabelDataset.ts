import {
  type AudioAugmentor,
  AudioError,
  type Manifest,
  type ManifestEntry,
  processAugmentations,
  RandomGenerator,
  readAudio,
} from '@nemo/audio'
import {
  AudioSignal,
  type Batch,
  Dataset,
  int64Vector,
  LabelsType,
  LengthsType,
  padRows,
  port,
  type SampleContext,
} from '@nemo/core'
import type { TensorData } from '@nemo/graph'
import { z } from 'zod'
import { AsrError } from '../errors.js'
import { SHORTEST_SIGNAL } from './audioToTextDataset.js'
import { concatFields, openManifest, tarredFields } from './tarredManifest.js'

/** Settings of a data section of labelled audio; NeMo's keys. */
export const audioToLabelConfigSchema = z.strictObject({
  manifest_filepath: z.union([z.string(), z.array(z.string())]),
  /** What the classes stand for. Default: the manifest's labels, in order. */
  labels: z
    .array(z.union([z.string(), z.number()]))
    .nullable()
    .default(null),
  sample_rate: z.number().int().positive().default(16000),
  /** Seconds; longer audio is left out. */
  max_duration: z.number().positive().nullable().default(null),
  /** Seconds; shorter audio is left out. */
  min_duration: z.number().min(0).nullable().default(0.1),
  trim_silence: z.boolean().default(false),
  augmentor: z.record(z.string(), z.record(z.string(), z.unknown())).nullable().default(null),
  /** Look at windows of the audio, frame by frame, as voice activity detection does. */
  vad_stream: z.boolean().default(false),
  /** `diarization` cuts the audio into windows. */
  task: z.enum(['identification', 'verification', 'diarization']).nullable().default(null),
  /** Seconds of a window. */
  time_length: z.number().positive().optional(),
  /** Seconds from window to window. */
  shift_length: z.number().positive().optional(),
  /** Centre the audio and scale it to a peak of 1, before windows are cut. */
  normalize_audio: z.boolean().default(false),
  /** What to do with audio that cannot be read: leave it out and count it, or stop. */
  on_bad_audio: z.enum(['skip', 'error']).default('skip'),
  /** What to do with manifest lines that cannot be read. */
  on_bad_line: z.enum(['skip', 'error']).default('error'),
  batch_size: z.number().int().positive().default(1),
  shuffle: z.boolean().optional(),
  drop_last: z.boolean().default(false),
  num_workers: z.number().int().min(0).default(0),
  pin_memory: z.boolean().default(false),
  /** Batches per chunk that is sorted by duration; 0 for none. */
  bucketing: z.number().int().min(0).default(0),
  seed: z.number().int().default(0),
  embedding_dir: z.string().optional(),
  int_values: z.literal(false).default(false),
  is_regression_task: z.literal(false).default(false),
  val_loss_idx: z.number().int().default(0),
  test_loss_idx: z.number().int().default(0),
  ...tarredFields,
  ...concatFields,
})

/** Settings of a data section of labelled audio, filled in. */
export type AudioToLabelConfig = z.output<typeof audioToLabelConfigSchema>

/** What reports and metrics want to know of a sample. */
export interface LabelledAudioInfo {
  readonly entry: ManifestEntry
  /** The class. */
  readonly label: number
  /** Which window of its audio this is, from 0. */
  readonly window: number
}

/** Audio as it was read, with its class. */
export interface LabelledAudio {
  readonly samples: Float32Array
  readonly label: number
  readonly entry: ManifestEntry
  /** Where a random crop begins, from 0 to below 1. */
  readonly crop: number
}

/** A stretch of audio that becomes a row of a batch. */
export interface AudioWindow {
  readonly samples: Float32Array
  readonly audio: LabelledAudio
  readonly window: number
}

/** Port types of a batch of audio and classes. */
export const audioToLabelOutputTypes = {
  audioSignal: port('B T', AudioSignal),
  aSigLength: port('B', LengthsType),
  label: port('B', LabelsType),
  labelLength: port('B', LengthsType),
}

/** Manifests with their classes and augmentor, opened. */
export interface OpenedLabels {
  readonly manifest: Manifest
  readonly labels: readonly string[]
  readonly augmentor: AudioAugmentor | undefined
  readonly config: AudioToLabelConfig
}

/**
 * Opens the manifests of a section.
 *
 * @param labels - What the classes stand for; null for the labels of the manifests, sorted.
 * @throws ManifestError, AudioFileError for a manifest that is not there; AudioArgumentError for an augmentor's settings;
 * AsrError for an entry of another label.
 */
export async function openLabels(
  config: AudioToLabelConfig,
  labels: readonly string[] | null,
  options: { readonly anyLabel?: boolean } = {},
): Promise<OpenedLabels> {
  const manifest = await openManifest(config, {
    target: options.anyLabel ? 'none' : 'label',
    minDuration: config.min_duration ?? undefined,
    maxDuration: config.max_duration ?? undefined,
    onBadLine: config.on_bad_line === 'skip' ? 'skip' : 'throw',
  })
  const known = labels ?? [...new Set(manifest.entries.map(({ label }) => String(label)))].sort()
  const set = new Set(known)
  for (const { label, manifest: file, line } of manifest.entries) {
    if (options.anyLabel || set.has(String(label))) continue
    const shown =
      known.length > 12 ? `${known.slice(0, 12).join(', ')} and ${known.length - 12} more` : known.join(', ')
    throw new AsrError(
      'NEMO_ASR_LABEL',
      `${file}:${line}: expected one of the labels ${shown}, found ${JSON.stringify(label)}. Correct the line, or name the label in labels.`,
    )
  }
  const augmentor = config.augmentor ? processAugmentations(config.augmentor) : undefined
  return { manifest, labels: known, augmentor, config }
}

/** Audio files with classes. How audio becomes rows of a batch is the subclass's. */
export abstract class AudioToLabelDataset extends Dataset<LabelledAudio, LabelledAudioInfo> {
  readonly outputTypes = audioToLabelOutputTypes
  readonly manifest: Manifest
  /** What the classes stand for. */
  readonly labels: readonly string[]
  readonly config: AudioToLabelConfig
  readonly #augmentor: AudioAugmentor | undefined
  readonly #ids: ReadonlyMap<string, number>
  readonly #unreadable = new Map<string, string>()
  #saidManifest = false

  constructor({ manifest, labels, augmentor, config }: OpenedLabels) {
    super()
    this.manifest = manifest
    this.labels = labels
    this.config = config
    this.#augmentor = augmentor
    this.#ids = new Map(labels.map((label, id) => [label, id]))
  }

  /** Rows that a batch has of audio read together. */
  protected abstract windows(audio: readonly LabelledAudio[]): AudioWindow[]

  get length(): number {
    return this.manifest.entries.length
  }

  override sizeOf(index: number): number {
    return this.manifest.entries[index]!.duration
  }

  async get({ seed, epoch, index }: SampleContext): Promise<LabelledAudio | undefined> {
    const entry = this.manifest.entries[index]!
    try {
      const segment = await readAudio(entry.audioFile, {
        sampleRate: this.config.sample_rate,
        section: entry.section,
        offset: entry.offset,
        duration: entry.duration,
        trim: this.config.trim_silence,
      })
      const random = new RandomGenerator(seed, epoch, index)
      const crop = random.random()
      const { samples } = this.#augmentor ? await this.#augmentor.perturb(segment, random) : segment
      // A label that is none of the classes stands where nothing is known, as in inference.
      return { samples, label: this.#ids.get(String(entry.label)) ?? 0, entry, crop }
    } catch (error) {
      if (!(error instanceof AudioError) || this.config.on_bad_audio === 'error') throw error
      this.#unreadable.set(`${entry.manifest}:${entry.line}`, error.message)
      return undefined
    }
  }

  collate(audio: readonly LabelledAudio[]): Batch<LabelledAudioInfo> {
    const rows = this.windows(audio)
    return {
      arrays: {
        ...signalRows(rows.map(({ samples }) => samples)),
        label: int64Vector(rows.map((row) => row.audio.label)),
        labelLength: int64Vector(rows.map(() => 1)),
      },
      samples: rows.map(({ audio: { entry, label }, window }) => ({ entry, label, window })),
    }
  }

  override problems(): readonly string[] {
    const lines: string[] = []
    const { filtered, filteredHours, tooShort, tooLong, badLines, badLineErrors } = this.manifest.report
    if (!this.#saidManifest) {
      this.#saidManifest = true
      if (badLines > 0)
        lines.push(
          `${badLines} manifest line(s) left out because they cannot be used; first: ${badLineErrors[0]!.message}`,
        )
      if (filtered > 0)
        lines.push(
          `${filtered} file(s), ${filteredHours.toFixed(2)} h, left out by their duration: ${tooShort} too short, ${tooLong} too long`,
        )
    }
    const [first] = this.#unreadable
    if (first)
      lines.push(
        `${this.#unreadable.size} file(s) left out because their audio cannot be read; first: ${first[0]}: ${first[1]}`,
      )
    this.#unreadable.clear()
    return lines
  }

  override takeProblems(): ReadonlyMap<string, string> | undefined {
    if (this.#unreadable.size === 0) return undefined
    const found = new Map(this.#unreadable)
    this.#unreadable.clear()
    return found
  }

  override addProblems(found: unknown): void {
    for (const [place, reason] of found as ReadonlyMap<string, string>) this.#unreadable.set(place, reason)
  }
}

/** Waveforms as the ports `audioSignal` `[B, T]` and `aSigLength` `[B]`, filled up with zeros. */
export function signalRows(
  rows: readonly Float32Array[],
): Record<'audioSignal', TensorData<'float32'>> & Record<'aSigLength', TensorData<'int64'>> {
  return {
    audioSignal: padRows(rows, 'float32', 0, SHORTEST_SIGNAL),
    aSigLength: int64Vector(rows.map((row) => row.length)),
  }
}
