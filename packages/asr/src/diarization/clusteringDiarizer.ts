import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { basename, extname, join } from 'node:path'
import { formatManifestRow, readAudio, readManifest } from '@nemo/audio'
import { type ConfigObject, type Model, validateConfig } from '@nemo/core'
import type { Runtime } from '@nemo/graph'
import { z } from 'zod'
import { slicedAudio, type TimeWindow, timeWindows } from '../data/audioWindows.js'
import { AsrError } from '../errors.js'
import { DiarizationErrorRate, type DiarizationErrors, type SpeakerSegment } from '../metrics/diarizationErrorRate.js'
import { EncDecClassificationModel } from '../models/encDecClassificationModel.js'
import { EncDecSpeakerLabelModel } from '../models/encDecSpeakerLabelModel.js'
import type { SpeechSegment } from '../vad/speechSegments.js'
import { rttmLines } from '../vad/speechSegments.js'
import { VoiceActivityDetector } from '../vad/voiceActivityDetector.js'
import { formatRttm, parseRttm } from './rttm.js'
import { clusterSpeakers } from './speakerClustering.js'
import { speakerTurns } from './speakerTurns.js'

const paths = z.union([z.string(), z.array(z.string())])
const model = z.union([z.string(), z.custom<Model>((value) => value instanceof Object && 'stateDict' in value)])

/** Keys of a `ClusteringDiarizer`, with NeMo's names and meanings. */
export const diarizerConfigSchema = z.looseObject({
  diarizer: z.looseObject({
    /** How many speakers: a number, or a file with a recording's name and its number a line; null to estimate. */
    oracle_num_speakers: z
      .union([z.int().min(1), z.string()])
      .nullable()
      .default(null),
    max_num_speakers: z.int().min(1).default(8),
    /** Folder for the results. */
    out_dir: z.string(),
    /** Recordings, or a file that lists them. */
    paths2audio_files: paths.nullable().default(null),
    /** RTTM files of who really speaks, in the same order, or a file that lists them. */
    path2groundtruth_rttm_files: paths.nullable().default(null),
    vad: z
      .looseObject({
        /** A `.nemo` file, the name of a public model, or a model; null to take speech from a manifest. */
        model_path: model.nullable().default(null),
        window_length_in_sec: z.number().positive().default(0.15),
        shift_length_in_sec: z.number().positive().default(0.01),
        threshold: z.number().min(0).max(1).default(0.7),
        vad_decision_smoothing: z.boolean().default(true),
        smoothing_params: z
          .looseObject({
            method: z.enum(['median', 'mean']).default('median'),
            overlap: z.number().min(0).max(1).default(0.875),
          })
          .prefault({}),
        /** Seconds: shorter speech is dropped. */
        min_duration_on: z.number().min(0).default(0),
        /** Seconds: shorter pauses are filled. */
        min_duration_off: z.number().min(0).default(0),
      })
      .prefault({}),
    speaker_embeddings: z.looseObject({
      /** Manifest of where there is speech (`offset`, `duration`). */
      oracle_vad_manifest: z.string().nullable().default(null),
      /** A `.nemo` file, the name of a public model, or a model. */
      model_path: model,
      window_length_in_sec: z.number().positive().default(1.5),
      shift_length_in_sec: z.number().positive().default(0.75),
    }),
  }),
})

/** Keys of a `ClusteringDiarizer`. */
export type DiarizerConfig = z.input<typeof diarizerConfigSchema>

/** Who speaks when in a recording. */
export interface DiarizedRecording {
  readonly audioFile: string
  readonly segments: readonly SpeakerSegment[]
  readonly numSpeakers: number
  /** The RTTM file that was written. */
  readonly rttmFile: string
  /** What is wrong, where the truth was given. */
  readonly errors: DiarizationErrors | undefined
}

/** Results of `diarize`. */
export interface Diarization {
  readonly recordings: readonly DiarizedRecording[]
  /** Errors over all recordings, where the truth was given for all. */
  readonly errors: DiarizationErrors | undefined
}

/** Options of `diarize`. */
export interface DiarizeOptions {
  readonly runtime?: Runtime
  /** Seconds on each side of borders that do not count as errors. Default 0.25. */
  readonly collar?: number
  /** Leave out of the errors where several speak at once. Default true. */
  readonly ignoreOverlap?: boolean
  /** Windows whose embeddings are computed together. Default 16. */
  readonly batchSize?: number
  /** Called after each recording. */
  readonly onProgress?: (done: number, wanted: number) => void
}

/**
 * Says who speaks when: speech is found by a voice activity model or given by a manifest, cut into windows, each window gets an
 * embedding, and embeddings are grouped by speaker. Writes `pred_rttms/NAME.rttm`, `vad_outputs/NAME.rttm` and `NAME.frame`,
 * and `speaker_outputs/embeddings.json` (a manifest line for each window) into `out_dir`.
 *
 * Source: NeMo v1.0.0 `ClusteringDiarizer`. Different: embeddings are JSON lines, not a pickle.
 */
export class ClusteringDiarizer {
  private constructor(
    readonly config: z.output<typeof diarizerConfigSchema>['diarizer'],
    readonly speakerModel: EncDecSpeakerLabelModel,
    readonly vadModel: EncDecClassificationModel | undefined,
  ) {}

  /**
   * Restores the models that the config names.
   *
   * @throws ConfigValidationError naming each wrong key; ModelError, DownloadError for models that cannot be had; AsrError if
   * there is neither a voice activity model nor a manifest of speech.
   */
  static async create(cfg: ConfigObject | DiarizerConfig): Promise<ClusteringDiarizer> {
    const { diarizer } = validateConfig(diarizerConfigSchema, cfg, { source: 'ClusteringDiarizer' })
    const { vad, speaker_embeddings } = diarizer
    if (vad.model_path === null && speaker_embeddings.oracle_vad_manifest === null)
      throw new AsrError(
        'NEMO_DIARIZATION_SPEECH',
        'ClusteringDiarizer: expected diarizer.vad.model_path or diarizer.speaker_embeddings.oracle_vad_manifest, found neither; one of them must say where there is speech.',
      )
    const speakers = await restored<EncDecSpeakerLabelModel>(EncDecSpeakerLabelModel, speaker_embeddings.model_path)
    const speech =
      vad.model_path === null
        ? undefined
        : await restored<EncDecClassificationModel>(EncDecClassificationModel, vad.model_path)
    return new ClusteringDiarizer(diarizer, speakers, speech)
  }

  /**
   * Says who speaks when in recordings.
   *
   * @param audioFiles - Default: those of the config. Their names without folder and ending must differ.
   * @throws AsrError for recordings of one name, or without any speech in the manifest; AudioError for one that cannot be read.
   */
  async diarize(audioFiles?: readonly string[], options: DiarizeOptions = {}): Promise<Diarization> {
    const { out_dir, path2groundtruth_rttm_files } = this.config
    const files = audioFiles ?? (await listed(this.config.paths2audio_files))
    if (files.length === 0)
      throw new AsrError('NEMO_DIARIZATION_EMPTY', 'diarize: expected recordings, found none; give paths2audio_files.')
    const names = files.map(nameOf)
    const twice = names.find((name, i) => names.indexOf(name) !== i)
    if (twice !== undefined)
      throw new AsrError(
        'NEMO_DIARIZATION_NAMES',
        `diarize: two recordings are named ${twice}; their results would overwrite each other.`,
      )
    const truth = await this.#truth(names, await listed(path2groundtruth_rttm_files))
    const [speech, counts] = [await this.#speech(files, options), await this.#speakerCounts()]
    for (const folder of ['pred_rttms', 'speaker_outputs']) await mkdir(join(out_dir, folder), { recursive: true })
    const rate = new DiarizationErrorRate(options)
    const recordings: DiarizedRecording[] = []
    const lines: string[] = []
    for (const [i, audioFile] of files.entries()) {
      const name = names[i]!
      const { windows, embeddings } = await this.#embed(audioFile, speech.get(name) ?? [], options)
      const { segments, numSpeakers } = this.#cluster(windows, embeddings, counts(name))
      const rttmFile = join(out_dir, 'pred_rttms', `${name}.rttm`)
      await writeFile(rttmFile, formatRttm(segments, name))
      for (const [k, { start, end }] of windows.entries()) {
        const embedding = Array.from(embeddings[k]!)
        lines.push(formatManifestRow({ audio_filepath: audioFile, offset: start, duration: end - start, embedding }))
      }
      const reference = truth.get(name)
      const errors = reference && rate.update(reference, segments)
      recordings.push({ audioFile, segments, numSpeakers, rttmFile, errors })
      options.onProgress?.(i + 1, files.length)
    }
    await writeFile(join(out_dir, 'speaker_outputs', 'embeddings.json'), lines.join(''))
    return { recordings, errors: truth.size === files.length ? rate.compute() : undefined }
  }

  async #truth(names: readonly string[], rttms: readonly string[]): Promise<Map<string, SpeakerSegment[]>> {
    const truth = new Map<string, SpeakerSegment[]>()
    if (rttms.length > 0 && rttms.length !== names.length)
      throw new AsrError(
        'NEMO_DIARIZATION_TRUTH',
        `diarize: expected an RTTM file for each of ${names.length} recordings, found ${rttms.length}.`,
      )
    for (const [i, source] of rttms.entries())
      truth.set(names[i]!, parseRttm(await readFile(source, 'utf8'), { source }))
    return truth
  }

  /** How many speakers a recording has, if that is known. */
  async #speakerCounts(): Promise<(name: string) => number | undefined> {
    const given = this.config.oracle_num_speakers
    if (typeof given !== 'string') return () => given ?? undefined
    const rows = (await readFile(given, 'utf8')).split('\n').map((line) => line.trim().split(/\s+/))
    const counts = new Map(rows.map(([name, count]) => [name!, Number(count)]))
    return (name) => counts.get(name)
  }

  async #speech(files: readonly string[], options: DiarizeOptions): Promise<Map<string, SpeechSegment[]>> {
    return this.vadModel ? this.#detect(files, this.vadModel, options) : this.#speechOfManifest()
  }

  async #speechOfManifest(): Promise<Map<string, SpeechSegment[]>> {
    const found = new Map<string, SpeechSegment[]>()
    const manifest = this.config.speaker_embeddings.oracle_vad_manifest!
    for await (const { audioFile, offset = 0, duration } of readManifest(manifest, { target: 'none' })) {
      const name = nameOf(audioFile)
      found.set(name, [...(found.get(name) ?? []), { start: offset, duration }])
    }
    return found
  }

  async #detect(
    files: readonly string[],
    vadModel: EncDecClassificationModel,
    { runtime }: DiarizeOptions,
  ): Promise<Map<string, SpeechSegment[]>> {
    const { vad, out_dir } = this.config
    const detector = new VoiceActivityDetector(vadModel, {
      windowLengthInSec: vad.window_length_in_sec,
      shiftLengthInSec: vad.shift_length_in_sec,
      ...(runtime && { runtime }),
    })
    const folder = join(out_dir, 'vad_outputs')
    await mkdir(folder, { recursive: true })
    const found = new Map<string, SpeechSegment[]>()
    for (const file of files) {
      const frames = await detector.frames(file)
      const segments = detector.decide(frames, {
        onset: vad.threshold,
        minDurationOn: vad.min_duration_on,
        minDurationOff: vad.min_duration_off,
        ...(vad.vad_decision_smoothing && { smoothing: vad.smoothing_params }),
      })
      const name = nameOf(file)
      await writeFile(join(folder, `${name}.frame`), Array.from(frames, (frame) => `${frame.toFixed(4)}\n`).join(''))
      await writeFile(
        join(folder, `${name}.rttm`),
        rttmLines(segments, name)
          .map((line) => `${line}\n`)
          .join(''),
      )
      found.set(name, segments)
    }
    return found
  }

  async #embed(
    audioFile: string,
    speech: readonly SpeechSegment[],
    { batchSize = 16, runtime }: DiarizeOptions,
  ): Promise<{ windows: TimeWindow[]; embeddings: Float32Array[] }> {
    const { window_length_in_sec: windowSeconds, shift_length_in_sec: shiftSeconds } = this.config.speaker_embeddings
    const { sampleRate } = this.speakerModel
    const windows: TimeWindow[] = []
    const embeddings: Float32Array[] = []
    for (const { start, duration } of speech) {
      if (duration * sampleRate < 1) continue
      const { samples } = await readAudio(audioFile, { sampleRate, offset: start, duration })
      const stretches = timeWindows(start, duration, { windowSeconds, shiftSeconds })
      const slices = slicedAudio(samples, sampleRate, { windowSeconds, shiftSeconds }).slice(0, stretches.length)
      windows.push(...stretches.slice(0, slices.length))
      embeddings.push(...(await this.speakerModel.getEmbeddings(slices, { batchSize, ...(runtime && { runtime }) })))
    }
    return { windows, embeddings }
  }

  #cluster(
    windows: readonly TimeWindow[],
    embeddings: readonly Float32Array[],
    count: number | undefined,
  ): { segments: SpeakerSegment[]; numSpeakers: number } {
    if (windows.length === 0) return { segments: [], numSpeakers: 0 }
    const { labels, numSpeakers } = clusterSpeakers(embeddings, {
      oracleNumSpeakers: count,
      maxNumSpeakers: this.config.max_num_speakers,
    })
    return {
      segments: speakerTurns(
        windows,
        labels.map((label) => `speaker_${label}`),
      ),
      numSpeakers,
    }
  }
}

const nameOf = (path: string): string => basename(path, extname(path))

/** Paths, or those that a file lists, a line each. */
async function listed(given: string | readonly string[] | null): Promise<readonly string[]> {
  if (typeof given !== 'string') return given ?? []
  const lines = (await readFile(given, 'utf8')).split('\n').map((line) => line.trim())
  return lines.filter((line) => line !== '')
}

interface Restorable<M> {
  restoreFrom(path: string): Promise<M>
  fromPretrained(name: string): Promise<M>
}

async function restored<M extends Model>(type: unknown, source: string | Model): Promise<M> {
  if (typeof source !== 'string') return source.eval() as M
  const restorable = type as Restorable<M>
  return source.endsWith('.nemo') ? restorable.restoreFrom(source) : restorable.fromPretrained(source)
}
