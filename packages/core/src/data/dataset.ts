import type { TensorData } from '@nemo/graph'
import type { PortTypes } from '../neuralTypes/ports.js'
import type { DatasetSource } from './datasetSource.js'

/** What a dataset may use to make a sample: two equal contexts give equal samples. */
export interface SampleContext {
  /** Seed of the run. */
  readonly seed: number
  /** Pass over the data, from 0. */
  readonly epoch: number
  /** Position of the sample in the dataset. */
  readonly index: number
}

/** One batch: arrays for the dataset's output ports, and what metrics and reports want to know about its samples. */
export interface Batch<Info = unknown> {
  /** One array per output port, by the port's key. */
  readonly arrays: Readonly<Record<string, TensorData>>
  /** One entry per sample, in the order of the batch axis. */
  readonly samples: readonly Info[]
}

/** What datasets with and without an index have in common. */
export abstract class BatchedDataset<Sample = unknown, Info = unknown> {
  /** Ports of a collated batch. */
  abstract readonly outputTypes: PortTypes
  /** Number of samples. */
  abstract readonly length: number
  /** How a worker thread makes the same dataset. Without it the data is made in this thread only (`num_workers: 0`). */
  source?(): DatasetSource
  /**
   * Joins samples into a batch. Its arrays are given away: they must be new ones each time, and `Info` must be plain data
   * where there are worker threads.
   */
  abstract collate(samples: readonly Sample[]): Batch<Info>
  /** Lines for the end of an epoch: what was left out and why. */
  problems?(): readonly string[]
  /**
   * What `problems` would tell, as plain data, and forgets it: for a dataset in a worker thread, whose findings the main
   * thread tells. A dataset that has `problems` and a `source` needs it, and `addProblems`.
   */
  takeProblems?(): unknown
  /** Takes in what `takeProblems` of another instance gave. */
  addProblems?(found: unknown): void
}

/**
 * Samples by index. `outputTypes` are the ports that a batch feeds.
 *
 * Source: NeMo v1.0.0 `nemo.core.classes.dataset.Dataset`.
 */
export abstract class Dataset<Sample = unknown, Info = unknown> extends BatchedDataset<Sample, Info> {
  /**
   * Makes a sample.
   *
   * @returns undefined to leave the sample out; whoever returns it counts and reports why.
   */
  abstract get(context: SampleContext): Promise<Sample | undefined>
  /** Size of a sample for bucketing (seconds, tokens), if known without making it. */
  sizeOf?(index: number): number
}
