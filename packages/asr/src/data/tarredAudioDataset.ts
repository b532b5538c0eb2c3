import type { Manifest } from '@nemo/audio'
import {
  type Batch,
  type Dataset,
  type DatasetSource,
  type ItemContext,
  IterableDataset,
  openDataset,
  type PortTypes,
  RandomGenerator,
  type ShardContext,
  shuffleBuffer,
  type ThreadCalls,
} from '@nemo/core'

/** A dataset of a manifest's entries, in their order. */
export type ManifestDataset<Sample = unknown, Info = unknown> = Dataset<Sample, Info> & { readonly manifest: Manifest }

/**
 * Reads the samples of a dataset archive by archive, as they lie there, from several archives in turn. What a sample is, is the
 * dataset's; its manifest comes from `loadTarredManifest`.
 *
 * Source: NeMo v1.0.0 `TarredAudioToCharDataset`, `TarredAudioToBPEDataset`, `TarredAudioToClassificationLabelDataset`. Differs:
 * the order does not depend on the number of workers, and only positions are held for shuffling, no audio.
 */
export class TarredAudioDataset<Sample = unknown, Info = unknown> extends IterableDataset<number, Sample, Info> {
  readonly shardLengths: readonly number[]
  readonly #dataset: ManifestDataset<Sample, Info>
  readonly #shuffle: number
  readonly #starts: readonly number[]

  /** @param shuffle - Utterances of which the next one is drawn; 1 or less keeps their order. */
  constructor(dataset: ManifestDataset<Sample, Info>, shuffle: number) {
    super()
    this.#dataset = dataset
    this.#shuffle = shuffle
    const { entries } = dataset.manifest
    const starts = entries.flatMap(({ audioFile }, i) =>
      i === 0 || audioFile !== entries[i - 1]!.audioFile ? [i] : [],
    )
    this.#starts = starts
    this.shardLengths = starts.map((start, shard) => (starts[shard + 1] ?? entries.length) - start)
  }

  get outputTypes(): PortTypes {
    return this.#dataset.outputTypes
  }

  items({ seed, epoch, shard }: ShardContext): AsyncIterable<number> {
    const indices = Array.from({ length: this.shardLengths[shard]! }, (_, i) => this.#starts[shard]! + i)
    return shuffleBuffer(indices, this.#shuffle, RandomGenerator.forKey(seed, epoch, shard, 0x7a2))
  }

  make(index: number, { seed, epoch }: ItemContext): Promise<Sample | undefined> {
    return this.#dataset.get({ seed, epoch, index })
  }

  collate(samples: readonly Sample[]): Batch<Info> {
    return this.#dataset.collate(samples)
  }

  override source(): DatasetSource {
    const { calls, ...source } = this.#dataset.source!()
    return {
      module: import.meta.url,
      export: 'openTarredAudioDataset',
      config: { source, shuffle: this.#shuffle },
      ...(calls && { calls }),
    }
  }

  override problems(): readonly string[] {
    return this.#dataset.problems?.() ?? []
  }

  override takeProblems(): unknown {
    return this.#dataset.takeProblems?.()
  }

  override addProblems(found: unknown): void {
    this.#dataset.addProblems?.(found)
  }
}

/** Makes the dataset in a worker thread; see `TarredAudioDataset.source`. */
export async function openTarredAudioDataset(
  { source, shuffle }: { readonly source: Omit<DatasetSource, 'calls'>; readonly shuffle: number },
  calls: ThreadCalls,
): Promise<TarredAudioDataset> {
  return new TarredAudioDataset((await openDataset(source, calls)) as ManifestDataset, shuffle)
}
