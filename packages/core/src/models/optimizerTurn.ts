import type { Parameter, Tensor } from '@nemo/graph'
import type { Optimization } from '../optimizers/parameterGroups.js'

/** What a training step's graph gives. */
export interface TrainingStep {
  /** Float scalar to minimise. */
  readonly loss: Tensor
  /** More tensors to compute, for training metrics. */
  readonly outputs?: Readonly<Record<string, Tensor>>
}

/**
 * One of the optimisers that train a model in turn, such as those of a generator and a discriminator, with the step that
 * it minimises. Lightning's `optimizer_idx`.
 */
export interface OptimizerTurn {
  /** Told in metrics: `train_loss_NAME`. Empty where there is no other. */
  readonly name: string
  readonly optimization: Optimization
  /** Weights that it moves. The others stay, also where its loss depends on them. */
  readonly weights: readonly Parameter[]
  /** Draws its training step from a batch's ports. */
  step(batch: Readonly<Record<string, Tensor>>): TrainingStep
  /**
   * Steps that it makes before the next one's turn comes. Default: each batch is a step of all of them, one after the
   * other, each with the weights that the one before has left. All of a model's turns say this, or none.
   */
  readonly frequency?: number
}
