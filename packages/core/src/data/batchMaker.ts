import type { Batch, BatchedDataset, Dataset } from './dataset.js'
import { DataError } from './errors.js'
import { IterableDataset } from './iterableDataset.js'

/** What a batch is made of: samples by index, or the next items of a shard. */
export type BatchJob =
  | { readonly epoch: number; readonly indices: readonly number[] }
  | { readonly epoch: number; readonly shard: number; readonly start: number; readonly count: number }

type ShardJob = Extract<BatchJob, { shard: number }>

// A shard that is being read.
interface Reading {
  readonly epoch: number
  readonly iterator: AsyncIterator<unknown> | Iterator<unknown>
  /** Position of the item that comes next. */
  next: number
}

/** Makes a dataset's batches in this thread. Equal jobs give equal batches, in whatever order they come. */
export class BatchMaker {
  readonly #dataset: BatchedDataset
  readonly #seed: number
  readonly #readings = new Map<number, Reading>()
  // One job at a time reads from a shard.
  readonly #turns = new Map<number, Promise<unknown>>()

  constructor(dataset: BatchedDataset, seed: number) {
    this.#dataset = dataset
    this.#seed = seed
  }

  /** @returns undefined if all samples of the batch were left out. */
  async make(job: BatchJob): Promise<Batch | undefined> {
    const samples = await Promise.all('indices' in job ? this.#byIndex(job) : await this.#ofShard(job))
    const present = samples.filter((sample) => sample !== undefined)
    return present.length > 0 ? this.#dataset.collate(present) : undefined
  }

  #byIndex({ indices, epoch }: Extract<BatchJob, { indices: unknown }>): Promise<unknown>[] {
    const dataset = this.#dataset as Dataset
    return indices.map((index) => dataset.get({ seed: this.#seed, epoch, index }))
  }

  async #ofShard(job: ShardJob): Promise<Promise<unknown>[]> {
    const { epoch, shard, start } = job
    const before = this.#turns.get(shard) ?? Promise.resolve()
    const reading = before.catch(() => undefined).then(() => this.#read(job))
    this.#turns.set(shard, reading)
    const dataset = this.#dataset as IterableDataset
    return (await reading).map((item, i) => dataset.make(item, { seed: this.#seed, epoch, shard, position: start + i }))
  }

  async #read({ epoch, shard, start, count }: ShardJob): Promise<unknown[]> {
    let reading = this.#readings.get(shard)
    if (reading?.epoch !== epoch || reading.next > start) {
      await reading?.iterator.return?.()
      const items = (this.#dataset as IterableDataset).items({ seed: this.#seed, epoch, shard })
      const iterator = Symbol.asyncIterator in items ? items[Symbol.asyncIterator]() : items[Symbol.iterator]()
      reading = { epoch, iterator, next: 0 }
    }
    // Put back when all went well: after an error the shard is read anew.
    this.#readings.delete(shard)
    while (reading.next < start) await this.#next(reading, shard)
    const items: unknown[] = []
    while (items.length < count) items.push(await this.#next(reading, shard))
    const promised = this.#promised(shard)
    if (reading.next < promised) this.#readings.set(shard, reading)
    else if (!(await reading.iterator.next()).done)
      throw new DataError(`Shard ${shard} of ${this.#name} has more items than the ${promised} of its shardLengths.`)
    return items
  }

  async #next(reading: Reading, shard: number): Promise<unknown> {
    const { value, done } = await reading.iterator.next()
    if (done)
      throw new DataError(
        `Shard ${shard} of ${this.#name} ended after ${reading.next} items; its shardLengths says ${this.#promised(shard)}.`,
      )
    reading.next++
    return value
  }

  #promised(shard: number): number {
    return (this.#dataset as IterableDataset).shardLengths[shard]!
  }

  get #name(): string {
    return this.#dataset.constructor.name
  }
}

/** Whether a dataset is read in shards. */
export function isIterable(dataset: BatchedDataset): dataset is IterableDataset {
  return dataset instanceof IterableDataset
}
