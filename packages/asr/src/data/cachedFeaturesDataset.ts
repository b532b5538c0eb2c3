import {
  type Batch,
  Dataset,
  type DatasetSource,
  int64Vector,
  LabelsType,
  LengthsType,
  openDataset,
  port,
  type SampleContext,
  SpectrogramType,
  type ThreadCalls,
} from '@nemo/core'
import { type AudioToTextDataset, transcriptArrays, type UtteranceInfo } from './audioToTextDataset.js'
import { FeatureCache, type Features } from './featureCache.js'

/** Computes features of samples. */
export type FeatureMaker = (samples: Float32Array) => Promise<Features>

/** What a cache of features is made with. */
export interface FeatureCacheSettings {
  readonly dir: string
  /** What features depend on: the preprocessor's config. */
  readonly preprocessor: unknown
  /** Frames of a batch become a multiple of this. */
  readonly padTo: number
}

interface CachedUtterance {
  readonly features: Features
  readonly ids: readonly number[]
  readonly info: UtteranceInfo
}

/**
 * A dataset of audio and transcripts with features instead of waveforms, which are computed once and kept on disk. Ports:
 * processedSignal `[B, D, T]`, processedSignalLength `[B]`, transcripts `[B, U]`, transcriptLength `[B]`.
 */
export class CachedFeaturesDataset extends Dataset<CachedUtterance, UtteranceInfo> {
  readonly outputTypes = {
    processedSignal: port('B D T', SpectrogramType),
    processedSignalLength: port('B', LengthsType),
    transcripts: port('B T', LabelsType),
    transcriptLength: port('B', LengthsType),
  }
  readonly #dataset: AudioToTextDataset
  readonly #settings: FeatureCacheSettings
  readonly #cache: FeatureCache
  readonly #make: FeatureMaker

  constructor(dataset: AudioToTextDataset, settings: FeatureCacheSettings, make: FeatureMaker) {
    super()
    this.#dataset = dataset
    this.#settings = settings
    const { sample_rate, trim_silence } = dataset.config
    this.#cache = new FeatureCache(settings.dir, [settings.preprocessor, sample_rate, trim_silence])
    this.#make = make
  }

  get length(): number {
    return this.#dataset.length
  }

  override sizeOf(index: number): number {
    return this.#dataset.sizeOf(index)
  }

  async get(context: SampleContext): Promise<CachedUtterance | undefined> {
    const labelled = await this.#dataset.labelled(context)
    if (!labelled) return undefined
    const { entry } = labelled.info
    const part = [entry.section, entry.offset, entry.duration]
    const features = await this.#cache.get(entry.audioFile, part, async () => {
      const samples = await this.#dataset.audioOf(labelled, context)
      return samples && this.#make(samples)
    })
    return features && { features, ...labelled }
  }

  collate(utterances: readonly CachedUtterance[]): Batch<UtteranceInfo> {
    const { padTo } = this.#settings
    const size = utterances[0]!.features.size
    const longest = utterances.reduce((most, { features }) => Math.max(most, features.frames), 0)
    const frames = padTo > 1 ? Math.ceil(longest / padTo) * padTo : longest
    const data = new Float32Array(utterances.length * size * frames)
    for (const [b, { features }] of utterances.entries())
      for (let d = 0; d < size; d++)
        data.set(features.data.subarray(d * features.frames, (d + 1) * features.frames), (b * size + d) * frames)
    return {
      arrays: {
        processedSignal: { dtype: 'float32', shape: [utterances.length, size, frames], data },
        processedSignalLength: int64Vector(utterances.map(({ features }) => features.frames)),
        ...transcriptArrays(utterances, this.#dataset.config.pad_id),
      },
      samples: utterances.map(({ info }) => info),
    }
  }

  override source(): DatasetSource {
    const { calls, ...source } = this.#dataset.source!()
    return {
      module: import.meta.url,
      export: 'openCachedFeaturesDataset',
      config: { source, settings: this.#settings },
      // The model's preprocessor stays in the main thread.
      calls: { ...calls, features: this.#make as (...args: never[]) => unknown },
    }
  }

  override problems(): readonly string[] {
    return this.#dataset.problems()
  }

  override takeProblems(): unknown {
    return this.#dataset.takeProblems()
  }

  override addProblems(found: unknown): void {
    this.#dataset.addProblems(found)
  }
}

/** Makes the dataset in a worker thread; see `CachedFeaturesDataset.source`. */
export async function openCachedFeaturesDataset(
  { source, settings }: { readonly source: Omit<DatasetSource, 'calls'>; readonly settings: FeatureCacheSettings },
  calls: ThreadCalls,
): Promise<CachedFeaturesDataset> {
  const dataset = (await openDataset(source, calls)) as unknown as AudioToTextDataset
  return new CachedFeaturesDataset(dataset, settings, calls.features as unknown as FeatureMaker)
}
