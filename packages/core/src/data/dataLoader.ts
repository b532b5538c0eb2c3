import { RandomGenerator } from '../modules/randomGenerator.js'
import type { PortTypes } from '../neuralTypes/ports.js'
import { type BatchJob, BatchMaker, isIterable } from './batchMaker.js'
import type { Batch, Dataset } from './dataset.js'
import { DataWorkers, type MadeBatch } from './dataWorkers.js'
import { DataError } from './errors.js'
import type { IterableDataset } from './iterableDataset.js'

/** Options of a data loader; keys as in PyTorch and NeMo configs. */
export interface DataLoaderOptions {
  /** Samples per batch. Default 1. */
  readonly batch_size?: number
  /** New order each epoch. Default false. */
  readonly shuffle?: boolean
  /** Leave an incomplete last batch out. Default false. */
  readonly drop_last?: boolean
  /** Seed of the order and of the samples' own randomness. Default 0. */
  readonly seed?: number
  /**
   * Threads that make batches, so that reading and decoding cost the training thread nothing. The batches are the same
   * for any number. Default 0: this thread.
   */
  readonly num_workers?: number
  /** Batches made ahead while the model computes, by each worker where there are some. Default 2. */
  readonly prefetch?: number
  /**
   * Batches of samples of similar size, in random order: less padding. Samples are shuffled, sorted within chunks of
   * `bucketing` batches, and cut. Default 0: off. Needs a dataset that tells sizes.
   */
  readonly bucketing?: number
}

/**
 * Batches of a dataset. They are a pure function of (seed, epoch), whatever the number of workers, so that training resumes
 * in the middle of an epoch at exactly the next batch.
 */
export class DataLoader<Info = unknown> {
  readonly #options: Required<DataLoaderOptions>
  readonly #maker: BatchMaker
  #workers: DataWorkers | undefined

  /** @throws RangeError for an option that cannot be; DataError for one that the dataset cannot do. */
  constructor(
    readonly dataset: Dataset<unknown, Info> | IterableDataset<unknown, unknown, Info>,
    options: DataLoaderOptions = {},
  ) {
    this.#options = {
      batch_size: 1,
      shuffle: false,
      drop_last: false,
      seed: 0,
      num_workers: 0,
      prefetch: 2,
      bucketing: 0,
      ...options,
    }
    const { bucketing, shuffle, num_workers, seed } = this.#options
    for (const [key, least] of [
      ['batch_size', 1],
      ['num_workers', 0],
      ['prefetch', 0],
      ['bucketing', 0],
      ['seed', Number.NEGATIVE_INFINITY],
    ] as const) {
      const value = this.#options[key]
      if (!Number.isInteger(value) || value < least)
        throw new RangeError(
          `${key}: expected a whole number${Number.isFinite(least) ? ` >= ${least}` : ''}, found ${String(value)}.`,
        )
    }
    const name = dataset.constructor.name
    if (isIterable(dataset)) {
      if (shuffle || bucketing > 0)
        throw new DataError(
          `${shuffle ? 'shuffle' : 'bucketing'}: ${name} is read in an order of its own; see shuffleBuffer.`,
        )
    } else if (bucketing > 0 && !dataset.sizeOf)
      throw new DataError(`bucketing: ${name} does not tell the sizes of its samples.`)
    this.#maker = new BatchMaker(dataset, seed)
    if (num_workers > 0) this.#workers = new DataWorkers(dataset, num_workers, seed)
  }

  /** Ports that a batch feeds. */
  get outputTypes(): PortTypes {
    return this.dataset.outputTypes
  }

  /** Batches per epoch. */
  get length(): number {
    const { dataset } = this
    const lengths = isIterable(dataset) ? dataset.shardLengths : [dataset.length]
    return lengths.reduce((sum, length) => sum + this.#batchesOf(length), 0)
  }

  #batchesOf(samples: number): number {
    const { batch_size, drop_last } = this.#options
    return drop_last ? Math.floor(samples / batch_size) : Math.ceil(samples / batch_size)
  }

  /** Sample indices of each batch of an epoch. @throws DataError for an iterable dataset, whose samples have none. */
  order(epoch: number): number[][] {
    const { dataset } = this
    if (isIterable(dataset)) throw new DataError(`${dataset.constructor.name} has no indices; it is read in order.`)
    const { batch_size, shuffle, drop_last, seed, bucketing } = this.#options
    const generator = RandomGenerator.forKey(seed, epoch, 0x0bde2)
    let indices = Array.from({ length: dataset.length }, (_, i) => i)
    if (shuffle) indices = generator.shuffle(indices)
    if (bucketing > 0) indices = sortChunks(indices, batch_size * bucketing, (index) => dataset.sizeOf!(index))
    let batches: number[][] = []
    for (let start = 0; start < indices.length; start += batch_size)
      batches.push(indices.slice(start, start + batch_size))
    if (drop_last && (batches.at(-1)?.length ?? batch_size) < batch_size) batches.pop()
    if (bucketing > 0 && shuffle) batches = generator.shuffle(batches)
    return batches
  }

  #jobs(epoch: number): BatchJob[] {
    const { dataset } = this
    if (!isIterable(dataset)) return this.order(epoch).map((indices) => ({ epoch, indices }))
    // One batch of each shard in turn, for as long as they have some.
    const { batch_size } = this.#options
    const { shardLengths } = dataset
    const rounds = Math.max(0, ...shardLengths.map((length) => this.#batchesOf(length)))
    return Array.from({ length: rounds }, (_, round) => round * batch_size).flatMap((start) =>
      shardLengths.flatMap((length, shard): BatchJob[] =>
        start < this.#batchesOf(length) * batch_size
          ? [{ epoch, shard, start, count: Math.min(batch_size, length - start) }]
          : [],
      ),
    )
  }

  /**
   * The batches of an epoch, in order. Where all samples of a batch were left out there is no batch, but its position
   * counts, so that a resumed run finds its place.
   *
   * @param start - Position to begin at.
   * @param end - Position to end before. Default: the end of the epoch.
   * @throws what the dataset throws for a sample, when its batch's turn comes; from a worker, as DataWorkerError.
   */
  async *epoch(
    epoch: number,
    start = 0,
    end: number = this.length,
  ): AsyncGenerator<{ readonly position: number; readonly batch: Batch<Info> | undefined }> {
    const { num_workers, prefetch } = this.#options
    const jobs = this.#jobs(epoch).slice(0, end)
    const ahead = prefetch * Math.max(1, num_workers)
    const pending: Promise<MadeBatch>[] = []
    let next = start
    const makeAhead = (count: number) => {
      while (next < jobs.length && pending.length < count) {
        const making = this.#make(jobs[next]!, next)
        next++
        // A failure belongs to whoever awaits this batch, not to the prefetch.
        making.catch(() => undefined)
        pending.push(making)
      }
    }
    for (let position = start; position < jobs.length; position++) {
      makeAhead(Math.max(1, ahead))
      const { batch, problems } = await pending.shift()!
      if (problems !== undefined) this.dataset.addProblems?.(problems)
      makeAhead(ahead)
      yield { position, batch: batch as Batch<Info> | undefined }
    }
  }

  async #make(job: BatchJob, position: number): Promise<MadeBatch> {
    // A shard stays with one worker, which reads on where it was.
    if (this.#workers) return this.#workers.make(job, 'shard' in job ? job.shard : position)
    return { batch: await this.#maker.make(job), problems: undefined }
  }

  /** Ends worker threads; the next epoch starts new ones. */
  async close(): Promise<void> {
    await this.#workers?.close()
  }
}

function sortChunks(indices: readonly number[], chunk: number, sizeOf: (index: number) => number): number[] {
  const sorted: number[] = []
  for (let start = 0; start < indices.length; start += chunk)
    sorted.push(...indices.slice(start, start + chunk).sort((a, b) => sizeOf(a) - sizeOf(b)))
  return sorted
}
