import { BatchedDataset } from './dataset.js'

/** A part of an iterable dataset in one pass over it. */
export interface ShardContext {
  /** Seed of the run. */
  readonly seed: number
  /** Pass over the data, from 0. */
  readonly epoch: number
  /** Number of the shard, from 0. */
  readonly shard: number
}

/** What an iterable dataset may use to make a sample: two equal contexts give equal samples. */
export interface ItemContext extends ShardContext {
  /** Position of the item in this pass over its shard. */
  readonly position: number
}

/**
 * Samples that can only be read one after the other, such as archives and streams, in shards that can be read side by
 * side. An epoch's batches are taken from the shards in turn, so they do not depend on the number of worker threads.
 *
 * Source: NeMo v1.0.0 `nemo.core.classes.dataset.IterableDataset`, whose order depends on the number of workers.
 */
export abstract class IterableDataset<Item = unknown, Sample = unknown, Info = unknown> extends BatchedDataset<
  Sample,
  Info
> {
  /** Items of each shard. They must be known, so that a run knows its place in the data. */
  abstract readonly shardLengths: readonly number[]

  get length(): number {
    return this.shardLengths.reduce((sum, length) => sum + length, 0)
  }

  /**
   * Reads a shard from its start, in an order of its own that may differ between epochs. Reading on should be cheap, for
   * resuming in the middle of an epoch: what is expensive belongs to `make`.
   */
  abstract items(context: ShardContext): AsyncIterable<Item> | Iterable<Item>

  /**
   * Makes a sample of an item.
   *
   * @returns undefined to leave the sample out; whoever returns it counts and reports why.
   */
  abstract make(item: Item, context: ItemContext): Promise<Sample | undefined>
}
