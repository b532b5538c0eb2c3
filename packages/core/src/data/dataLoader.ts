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
    const { batch_size, prefetch, bucketing } = this.#options
    if (!Number.isInteger(batch_size) || batch_size < 1)
      throw new RangeError(`batch_size: expected a whole number >= 1, found ${batch_size}.`)
    if (!Number.isInteger(prefetch) || prefetch < 0)
      throw new RangeError(`prefetch: expected a whole number >= 0, found ${prefetch}.`)
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
   * The batches of an epoch from `start` on. Batches whose samples were all left out are skipped; `position` still
   * counts them, so that a resumed run finds its place.
   */
  async *epoch(epoch: number, start = 0): AsyncGenerator<{ readonly position: number; readonly batch: Batch<Info> }> {
    const order = this.order(epoch)
    const pending: Promise<Batch<Info> | undefined>[] = []
    let next = start
    const ahead = () => {
      while (next < order.length && pending.length <= this.#options.prefetch) {
        const making = this.#make(order[next++]!, epoch)
        // A failure belongs to whoever awaits this batch, not to the prefetch.
        making.catch(() => undefined)
        pending.push(making)
      }
    }
    for (let position = start; position < order.length; position++) {
      ahead()
      const batch = await pending.shift()!
      ahead()
      if (batch) yield { position, batch }
    }
  }

  async #make(indices: readonly number[], epoch: number): Promise<Batch<Info> | undefined> {
    const { seed } = this.#options
    const samples = await Promise.all(indices.map((index) => this.dataset.get({ seed, epoch, index })))
    const present = samples.filter((sample) => sample !== undefined)
    return present.length > 0 ? this.dataset.collate(present) : undefined
  }
}
