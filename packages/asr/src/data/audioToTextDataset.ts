import { stat } from 'node:fs/promises'
import {
  type AudioAugmentor,
  AudioError,
  type Manifest,
  type ManifestEntry,
  ManifestError,
  ManifestIndex,
  type ManifestPaths,
  processAugmentations,
  RandomGenerator,
  readAudio,
  splitManifestPaths,
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
import { type CharEncoding, TokenizerError } from '@nemo/tokenizers'
import { z } from 'zod'
import { ctcFramesNeeded } from '../decoding/greedyCtc.js'
import { AsrError } from '../errors.js'
import { concatFields, openManifest, tarredFields } from './tarredManifest.js'

/** Settings of a data section (`train_ds`, `validation_ds`); NeMo's keys. */
export const audioToCharConfigSchema = z.strictObject({
  manifest_filepath: z.union([z.string(), z.array(z.string())]),
  labels: z.array(z.string()).optional(),
  sample_rate: z.number().int().positive().default(16000),
  /** Seconds; longer utterances are left out. */
  max_duration: z.number().positive().nullable().default(null),
  /** Seconds; shorter utterances are left out. */
  min_duration: z.number().min(0).nullable().default(null),
  max_utts: z.number().int().min(0).default(0),
  trim_silence: z.boolean().default(false),
  /** Value that fills transcripts up; the loss reads lengths. */
  pad_id: z.number().int().default(0),
  /** Fold transcripts to lower case. */
  normalize_transcripts: z.boolean().default(true),
  /** What to do with characters outside the labels. */
  unknown_characters: z.enum(['drop', 'error']).default('drop'),
  /** What to do with audio that cannot be read: leave it out and count it, or stop. */
  on_bad_audio: z.enum(['skip', 'error']).default('skip'),
  /** What to do with manifest lines that cannot be read. */
  on_bad_line: z.enum(['skip', 'error']).default('error'),
  augmentor: z.record(z.string(), z.record(z.string(), z.unknown())).nullable().default(null),
  batch_size: z.number().int().positive().default(1),
  shuffle: z.boolean().default(false),
  drop_last: z.boolean().default(false),
  num_workers: z.number().int().min(0).default(0),
  pin_memory: z.boolean().default(false),
  /** Batches per chunk that is sorted by duration; 0 for none. */
  bucketing: z.number().int().min(0).default(0),
  seed: z.number().int().default(0),
  /** Begin and end transcripts with the tokenizer's own tokens for that, if it has any (sub-words only). */
  use_start_end_token: z.boolean().default(true),
  /**
   * Folder to keep features in, so that they are computed and audio is read only once. Augmentation of waveforms and dither need new
   * ones each time.
   */
  feature_cache_dir: z.string().nullable().default(null),
  /**
   * Keep only the places and durations of the manifests' lines in memory, and read a line when its turn comes. Default where
   * they have 256 MB or more together.
   */
  manifest_index: z.boolean().nullable().default(null),
  ...tarredFields,
  ...concatFields,
  parser: z.string().default('en'),
})

/** Settings of a data section, filled in. */
export type AudioToCharConfig = z.output<typeof audioToCharConfigSchema>

/** What reports want to know of a sample. */
export interface UtteranceInfo {
  readonly entry: ManifestEntry
  /** Transcript as the labels spell it. */
  readonly text: string
}

/** Columns of a batch of signals there are at least: the mirrored margin of a spectrogram is never longer than this. */
export const SHORTEST_SIGNAL = 1024

/** Frames that an encoder makes of an utterance of so many samples. */
export type FrameCount = (samples: number) => number | Promise<number>

/** A sample without its audio. */
export interface Labelled {
  readonly ids: readonly number[]
  readonly info: UtteranceInfo
}

interface Utterance extends Labelled {
  readonly samples: Float32Array
}

// What was left out of an epoch, by place or character.
interface Findings {
  readonly unreadable: ReadonlyMap<string, string>
  readonly unknown: ReadonlyMap<string, number>
  readonly tooLong: ReadonlyMap<string, string>
}

/** How transcripts become label ids, and ids text. */
export interface TranscriptCodec {
  /** @throws TokenizerError for characters that it refuses. */
  encode(text: string): CharEncoding
  decode(ids: readonly number[]): string
}

/** Port types of a batch of audio and transcripts. */
export const audioToCharOutputTypes = {
  audioSignal: port('B T', AudioSignal),
  aSigLength: port('B', LengthsType),
  transcripts: port('B T', LabelsType),
  transcriptLength: port('B', LengthsType),
}

/**
 * Audio files with transcripts as label ids. Ports: audioSignal `[B, T]`, aSigLength `[B]`, transcripts `[B, U]`,
 * transcriptLength `[B]`.
 *
 * Source: NeMo v1.0.0 `_AudioTextDataset`.
 */
export abstract class AudioToTextDataset extends Dataset<Utterance, UtteranceInfo> {
  readonly outputTypes = audioToCharOutputTypes
  readonly #unreadable = new Map<string, string>()
  readonly #unknown = new Map<string, number>()
  readonly #tooLong = new Map<string, string>()
  readonly #augmentor: AudioAugmentor | undefined
  #saidManifest = false

  /**
   * @param frames - Frames that the encoder makes of so many samples. With it, utterances whose transcript has no CTC
   * alignment with their audio are left out and counted.
   * @throws AudioArgumentError for an augmentor's settings.
   */
  protected constructor(
    readonly manifest: Manifest | ManifestIndex,
    readonly codec: TranscriptCodec,
    readonly config: AudioToCharConfig,
    protected readonly frames: FrameCount | undefined,
  ) {
    super()
    this.#augmentor = config.augmentor ? processAugmentations(config.augmentor) : undefined
  }

  get length(): number {
    return 'entries' in this.manifest ? this.manifest.entries.length : this.manifest.length
  }

  override sizeOf(index: number): number {
    const { manifest } = this
    return 'entries' in manifest ? manifest.entries[index]!.duration : manifest.durationOf(index)
  }

  async get(context: SampleContext): Promise<Utterance | undefined> {
    const labelled = await this.labelled(context)
    const samples = labelled && (await this.audioOf(labelled, context))
    return samples && { samples, ...labelled }
  }

  /** A sample without its audio; undefined for one that is left out. */
  async labelled({ epoch, index }: SampleContext): Promise<Labelled | undefined> {
    const entry = await this.#entry(index)
    if (!entry) return undefined
    const { ids, unknown } = this.#encode(entry)
    if (epoch === 0)
      for (const character of unknown) this.#unknown.set(character, (this.#unknown.get(character) ?? 0) + 1)
    return { ids, info: { entry, text: this.codec.decode(ids) } }
  }

  /** The audio of a sample; undefined if it cannot be read or is too short for its transcript, and is left out. */
  async audioOf(
    { ids, info: { entry } }: Labelled,
    { seed, epoch, index }: SampleContext,
  ): Promise<Float32Array | undefined> {
    try {
      const segment = await readAudio(entry.audioFile, {
        sampleRate: this.config.sample_rate,
        section: entry.section,
        offset: entry.offset,
        duration: entry.duration,
        trim: this.config.trim_silence,
      })
      const varied = this.#augmentor
        ? await this.#augmentor.perturb(segment, new RandomGenerator(seed, epoch, index))
        : segment
      const available = await this.frames?.(varied.samples.length)
      const needed = ctcFramesNeeded(ids)
      if (available === undefined || needed <= available) return varied.samples
      this.#tooLong.set(
        `${entry.manifest}:${entry.line}`,
        `${ids.length} labels need ${needed} frames, the audio gives ${available}`,
      )
    } catch (error) {
      if (!(error instanceof AudioError) || this.config.on_bad_audio === 'error') throw error
      this.#unreadable.set(`${entry.manifest}:${entry.line}`, error.message)
    }
    return undefined
  }

  // Undefined for a line that cannot be used and may be left out.
  async #entry(index: number): Promise<ManifestEntry | undefined> {
    const { manifest } = this
    if ('entries' in manifest) return manifest.entries[index]!
    try {
      return await manifest.entry(index)
    } catch (error) {
      if (!(error instanceof ManifestError) || this.config.on_bad_line === 'error') throw error
      this.#unreadable.set(`entry ${index}`, error.message)
      return undefined
    }
  }

  #encode(entry: ManifestEntry): CharEncoding {
    try {
      return this.codec.encode(entry.text ?? '')
    } catch (cause) {
      if (!(cause instanceof TokenizerError)) throw cause
      throw new AsrError('NEMO_ASR_TRANSCRIPT', `${entry.manifest}:${entry.line}: ${cause.message}`, { cause })
    }
  }

  collate(utterances: readonly Utterance[]): Batch<UtteranceInfo> {
    return {
      arrays: {
        audioSignal: padRows(
          utterances.map((u) => u.samples),
          'float32',
          0,
          SHORTEST_SIGNAL,
        ),
        aSigLength: int64Vector(utterances.map((u) => u.samples.length)),
        ...transcriptArrays(utterances, this.config.pad_id),
      },
      samples: utterances.map((u) => u.info),
    }
  }

  // What was left out when the manifests were read; said once.
  *#manifestProblems(): Generator<string> {
    const { filtered, filteredHours, tooShort, tooLong, badLines, badLineErrors } = this.manifest.report
    if (this.#saidManifest) return
    this.#saidManifest = true
    if (badLines > 0)
      yield `${badLines} manifest line(s) left out because they cannot be used; first: ${badLineErrors[0]!.message}`
    if (filtered > 0)
      yield `${filtered} utterance(s), ${filteredHours.toFixed(2)} h, left out by their duration: ${tooShort} too short, ${tooLong} too long`
  }

  override problems(): readonly string[] {
    const lines: string[] = [...this.#manifestProblems()]
    if (this.#unreadable.size > 0) {
      const [[place, reason]] = [...this.#unreadable] as [[string, string]]
      lines.push(
        `${this.#unreadable.size} utterance(s) left out because their audio cannot be read; first: ${place}: ${reason}`,
      )
    }
    if (this.#unknown.size > 0) {
      const listed = [...this.#unknown]
        .sort((a, b) => b[1] - a[1])
        .slice(0, 12)
        .map(([character, times]) => `${JSON.stringify(character)} x${times}`)
      lines.push(`characters outside the labels were dropped from transcripts: ${listed.join(', ')}`)
    }
    if (this.#tooLong.size > 0) {
      const [[place, reason]] = [...this.#tooLong] as [[string, string]]
      lines.push(
        `${this.#tooLong.size} utterance(s) left out because their transcript is longer than their encoded audio (infinite CTC loss); first: ${place}: ${reason}`,
      )
    }
    this.#forget()
    return lines
  }

  override takeProblems(): Findings | undefined {
    const found = {
      unreadable: new Map(this.#unreadable),
      unknown: new Map(this.#unknown),
      tooLong: new Map(this.#tooLong),
    }
    this.#forget()
    return Object.values(found).some((map) => map.size > 0) ? found : undefined
  }

  override addProblems(found: unknown): void {
    const { unreadable, unknown, tooLong } = found as Findings
    for (const [place, reason] of unreadable) this.#unreadable.set(place, reason)
    for (const [character, times] of unknown) this.#unknown.set(character, (this.#unknown.get(character) ?? 0) + times)
    for (const [place, reason] of tooLong) this.#tooLong.set(place, reason)
  }

  #forget(): void {
    this.#unreadable.clear()
    this.#unknown.clear()
    this.#tooLong.clear()
  }
}

/** Transcripts as the ports `transcripts` `[B, U]` and `transcriptLength` `[B]`. */
export function transcriptArrays(
  utterances: readonly { readonly ids: readonly number[] }[],
  padId: number,
): Record<'transcripts' | 'transcriptLength', TensorData<'int64'>> {
  const rows = utterances.map(({ ids }) => BigInt64Array.from(ids, BigInt))
  return {
    transcripts: padRows(rows, 'int64', BigInt(padId)),
    transcriptLength: int64Vector(utterances.map(({ ids }) => ids.length)),
  }
}

const INDEXED_BYTES = 256 * 2 ** 20

/** Opens the manifests of a data section. @throws ManifestError, AudioFileError for a manifest that is not there. */
export async function openTranscripts(config: AudioToCharConfig): Promise<Manifest | ManifestIndex> {
  const options = {
    minDuration: config.min_duration ?? undefined,
    maxDuration: config.max_duration ?? undefined,
    maxUtts: config.max_utts,
    onBadLine: config.on_bad_line === 'skip' ? ('skip' as const) : ('throw' as const),
  }
  const indexed = !config.is_tarred && (config.manifest_index ?? (await isLarge(config.manifest_filepath)))
  return indexed ? ManifestIndex.open(config.manifest_filepath, options) : openManifest(config, options)
}

async function isLarge(paths: ManifestPaths): Promise<boolean> {
  let bytes = 0
  // A manifest that is not there is told by whoever reads it.
  for (const path of splitManifestPaths(paths)) bytes += (await stat(path).catch(() => undefined))?.size ?? 0
  return bytes >= INDEXED_BYTES
}
