import type { TensorData } from '@nemo/graph'
import type { PortTypes } from '../neuralTypes/ports.js'

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

/**
 * Samples by index. `outputTypes` are the ports that a batch feeds.
 *
 * Source: NeMo v1.0.0 `nemo.core.classes.dataset.Dataset`.
 */
export abstract class Dataset<Sample = unknown, Info = unknown> {
  /** Ports of a collated batch. */
  abstract readonly outputTypes: PortTypes
  /** Number of samples. */
  abstract readonly length: number
  /**
   * Makes a sample.
   *
   * @returns undefined to leave the sample out; whoever returns it counts and reports why.
   */
  abstract get(context: SampleContext): Promise<Sample | undefined>
  /** Joins samples into a batch. */
  abstract collate(samples: readonly Sample[]): Batch<Info>
  /** Size of a sample for bucketing (seconds, tokens), if known without making it. */
  sizeOf?(index: number): number
  /** Lines for the end of an epoch: what was left out and why. */
  problems?(): readonly string[]
}
