import { RandomGenerator } from '../modules/randomGenerator.js'
import type { PortTypes } from '../neuralTypes/ports.js'
import type { Batch, Dataset } from './dataset.js'

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
  /** Batches made ahead while the model computes. Default 2. */
  readonly prefetch?: number
  /**
   * Batches of samples of similar size, in random order: less padding. Samples are shuffled, sorted within chunks of
   * `bucketing` batches, and cut. Default 0: off. Needs a dataset that tells sizes.
   */
  readonly bucketing?: number
}

/**
 * Batches of a dataset. The order is a pure function of (seed, epoch), so that training resumes in the middle of an
 * epoch at exactly the next batch.
 */
export class DataLoader<Info = unknown> {
  readonly #options: Required<DataLoaderOptions>

  constructor(
    readonly dataset: Dataset<unknown, Info>,
    options: DataLoaderOptions = {},
  ) {
    this.#options = { batch_size: 1, shuffle: false, drop_last: false, seed: 0, prefetch: 2, bucketing: 0, ...options }
    const { bucketing } = this.#options
    for (const [key, least] of [
      ['batch_size', 1],
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
    if (bucketing > 0 && !dataset.sizeOf)
      throw new TypeError(`bucketing: ${dataset.constructor.name} does not tell the sizes of its samples.`)
  }

  /** Ports that a batch feeds. */
  get outputTypes(): PortTypes {
    return this.dataset.outputTypes
  }

  /** Batches per epoch. */
  get length(): number {
    const { batch_size, drop_last } = this.#options
    const batches = this.dataset.length / batch_size
    return drop_last ? Math.floor(batches) : Math.ceil(batches)
  }

  /** Sample indices of each batch of an epoch. */
  order(epoch: number): number[][] {
    const { batch_size, shuffle, drop_last, seed, bucketing } = this.#options
    const generator = RandomGenerator.forKey(seed, epoch, 0x0bde2)
    let indices = Array.from({ length: this.dataset.length }, (_, i) => i)
    if (shuffle) indices = generator.shuffle(indices)
    if (bucketing > 0) indices = this.#sortChunks(indices, batch_size * bucketing)
    let batches: number[][] = []
    for (let start = 0; start < indices.length; start += batch_size)
      batches.push(indices.slice(start, start + batch_size))
    if (drop_last && (batches.at(-1)?.length ?? batch_size) < batch_size) batches.pop()
    if (bucketing > 0 && shuffle) batches = generator.shuffle(batches)
    return batches
  }

  #sortChunks(indices: readonly number[], chunk: number): number[] {
    const sorted: number[] = []
    for (let start = 0; start < indices.length; start += chunk) {
      const part = indices.slice(start, start + chunk)
      sorted.push(...part.sort((a, b) => this.dataset.sizeOf!(a) - this.dataset.sizeOf!(b)))
    }
    return sorted
  }

  /**
   * The batches of an epoch, in order. Where all samples of a batch were left out there is no batch, but its position
   * counts, so that a resumed run finds its place.
   *
   * @param start - Position to begin at.
   * @param end - Position to end before. Default: the end of the epoch.
   * @throws what the dataset throws for a sample, when its batch's turn comes.
   */
  async *epoch(
    epoch: number,
    start = 0,
    end: number = this.length,
  ): AsyncGenerator<{ readonly position: number; readonly batch: Batch<Info> | undefined }> {
    const order = this.order(epoch).slice(0, end)
    const pending: Promise<Batch<Info> | undefined>[] = []
    let next = start
    const makeAhead = (count: number) => {
      while (next < order.length && pending.length < count) {
        const making = this.#make(order[next++]!, epoch)
        // A failure belongs to whoever awaits this batch, not to the prefetch.
        making.catch(() => undefined)
        pending.push(making)
      }
    }
    for (let position = start; position < order.length; position++) {
      makeAhead(Math.max(1, this.#options.prefetch))
      const batch = await pending.shift()!
      makeAhead(this.#options.prefetch)
      yield { position, batch }
    }
  }

  async #make(indices: readonly number[], epoch: number): Promise<Batch<Info> | undefined> {
    const { seed } = this.#options
    const samples = await Promise.all(indices.map((index) => this.dataset.get({ seed, epoch, index })))
    const present = samples.filter((sample) => sample !== undefined)
    return present.length > 0 ? this.dataset.collate(present) : undefined
  }
}
