// Imported from their files: worker threads that load the whole package take longer to start.
import { type Batch, Dataset, type SampleContext } from '../../src/data/dataset.js'
import type { DatasetSource, ThreadCalls } from '../../src/data/datasetSource.js'
import { type ItemContext, IterableDataset, type ShardContext } from '../../src/data/iterableDataset.js'
import { shuffleBuffer } from '../../src/data/shuffleBuffer.js'
import { RandomGenerator } from '../../src/modules/randomGenerator.js'
import type { PortTypes } from '../../src/neuralTypes/ports.js'

/** Settings of the datasets of this file. */
export interface CountedOptions {
  readonly lengths: readonly number[]
  /** Samples that are left out. */
  readonly skip?: readonly number[]
  /** Samples that cannot be made. */
  readonly broken?: readonly number[]
  /** Sample that ends its thread. */
  readonly deadly?: number
  /** Whether samples ask the main thread for something. */
  readonly asks?: boolean
  /** What the shards really hold, where that is not what `lengths` says. */
  readonly held?: readonly number[]
}

interface Info {
  readonly index: number
  readonly random: number
}

const outputTypes: PortTypes = {}

// Samples are numbers drawn at random, so that order and seeds show.
const draw = (...key: number[]) => RandomGenerator.forKey(...key).integer(1_000_000)
const collate = (samples: readonly Info[]): Batch<Info> => ({
  arrays: { x: { dtype: 'int32', shape: [samples.length], data: Int32Array.from(samples, ({ random }) => random) } },
  samples,
})

/** Numbered samples that a worker thread can make. */
export class CountedDataset extends Dataset<Info, Info> {
  readonly outputTypes = outputTypes
  readonly length: number
  readonly #left: number[] = []

  constructor(
    readonly options: CountedOptions,
    readonly calls: ThreadCalls = {},
  ) {
    super()
    this.length = options.lengths[0]!
  }

  override source(): DatasetSource {
    return { module: import.meta.url, export: 'CountedDataset', config: this.options, calls: this.calls }
  }

  override async get({ seed, epoch, index }: SampleContext): Promise<Info | undefined> {
    const { skip, broken, deadly, asks } = this.options
    if (index === deadly) process.exit(3)
    if (broken?.includes(index)) throw Object.assign(new RangeError(`sample ${index} is broken`), { code: 'BROKEN' })
    if (skip?.includes(index)) {
      this.#left.push(index)
      return undefined
    }
    const bonus = asks ? ((await this.calls.bonus!(index as never)) as number) : 0
    return { index, random: draw(seed, epoch, index) + bonus }
  }

  override sizeOf(index: number): number {
    return (index * 7) % 13
  }

  override collate(samples: readonly Info[]): Batch<Info> {
    return collate(samples)
  }

  override problems(): readonly string[] {
    const left = this.#left.splice(0)
    return left.length > 0 ? [`left out: ${left.join(', ')}`] : []
  }

  override takeProblems(): number[] | undefined {
    return this.#left.length > 0 ? this.#left.splice(0) : undefined
  }

  override addProblems(found: unknown): void {
    this.#left.push(...(found as number[]))
  }
}

/** Shards of numbered items, shuffled within a small buffer. */
export class CountedShards extends IterableDataset<number, Info, Info> {
  readonly outputTypes = outputTypes
  readonly shardLengths: readonly number[]
  /** Positions that were made, not only read. */
  readonly made: string[] = []

  constructor(readonly options: CountedOptions) {
    super()
    this.shardLengths = options.lengths
  }

  override source(): DatasetSource {
    return { module: import.meta.url, export: 'openShards', config: this.options }
  }

  override items({ seed, epoch, shard }: ShardContext): AsyncIterable<number> {
    const { lengths, held = lengths } = this.options
    const items = Array.from({ length: held[shard]! }, (_, i) => shard * 100 + i)
    return shuffleBuffer(items, 3, RandomGenerator.forKey(seed, epoch, shard))
  }

  override async make(item: number, { seed, epoch, shard, position }: ItemContext): Promise<Info | undefined> {
    this.made.push(`${shard}:${position}`)
    return this.options.skip?.includes(item) ? undefined : { index: item, random: draw(seed, epoch, shard, position) }
  }

  override collate(samples: readonly Info[]): Batch<Info> {
    return collate(samples)
  }
}

/** Makes the shards in a worker thread; as a function, and asynchronous. */
export async function openShards(options: CountedOptions): Promise<CountedShards> {
  return new CountedShards(options)
}
