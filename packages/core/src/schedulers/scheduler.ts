/** A learning-rate policy: a pure function of the step, so that nothing needs saving but the step. */
export interface Scheduler {
  /** NeMo's name, e.g. `CosineAnnealing`. */
  readonly name: string
  /** Learning rate of optimiser step `step`, from 0. */
  lr(step: number): number
}
