import type { Parameter, Tensor } from '@nemo/graph'

/**
 * Averages of the weights over the steps of training. The training program computes them; checkpoints hold them, and
 * evaluations read them in place of the weights.
 */
export interface WeightAverage {
  /** Whether evaluations use the averages. */
  readonly evaluates: boolean
  /** Averages by weight; empty before `start`. */
  readonly averages: ReadonlyMap<Parameter, Parameter>
  /** Forgets former averages and begins at the present values. */
  start(weights: readonly Parameter[]): Promise<void>
  /**
   * Draws new averages.
   *
   * @param weights - Each averaged weight with its value after this step.
   * @param scalar - The input that `scalars` gives a value to.
   */
  updates(weights: ReadonlyMap<Parameter, Tensor>, scalar: (name: string) => Tensor): Map<Parameter, Tensor>
  /** Runs `work` with averages and weights exchanged. */
  whileApplied<T>(work: () => Promise<T>): Promise<T>
  /** Values of inputs at an optimiser step, counted from 0. */
  scalars(step: number): Readonly<Record<string, number>>
}
