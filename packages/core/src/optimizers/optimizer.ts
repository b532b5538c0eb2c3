import { input, type Parameter, type Tensor, type TensorData } from '@nemo/graph'

/** What an optimiser step reads besides parameters and gradients. */
export interface StepContext {
  /** Learning rate of this step, float32 scalar. */
  readonly lr: Tensor
  /** Number of this step, counted from 1, float32 scalar. */
  readonly step: Tensor
}

/**
 * An update rule, written as graph nodes so that a training step is one program. Its state (moments) are parameters of
 * role `state` that live beside the weights.
 */
export interface Optimizer {
  /** Registry name, e.g. `novograd`. */
  readonly name: string
  /** Whether the step size follows from the number of the step alone, so that no learning rate is read. */
  readonly ownRate?: boolean
  /** New values of parameters and states, given the gradient of each parameter. */
  updates(gradients: ReadonlyMap<Parameter, Tensor>, context: StepContext): Map<Parameter, Tensor>
  /**
   * Scalars that depend on the number of the step alone, by the name of the graph input that `updates` reads them from.
   * They are computed here, in double precision, where float32 would lose too much.
   *
   * @param step - Number of the step, counted from 1.
   */
  scalars?(step: number): Readonly<Record<string, number>>
  /** States by name (`exp_avg.encoder...weight`), for checkpoints. */
  state(): ReadonlyMap<string, Parameter>
}

/**
 * What to feed to a program that holds an optimiser's updates drawn with the inputs `lr` and `optimizer_step`.
 *
 * @param step - Number of the step, counted from 1.
 * @param inputs - The program's inputs; what it does not read is left out.
 */
export function optimizerFeeds(
  optimizer: Optimizer,
  lr: number,
  step: number,
  inputs: readonly { readonly name: string }[],
): Record<string, TensorData> {
  const values: Readonly<Record<string, number>> = { lr, optimizer_step: step, ...optimizer.scalars?.(step) }
  const read = inputs.map(({ name }) => name).filter((name) => Object.hasOwn(values, name))
  return Object.fromEntries(
    read.map((name) => [name, { dtype: 'float32', shape: [], data: Float32Array.of(values[name]!) }]),
  )
}

/** The inputs that `optimizerFeeds` feeds. */
export function stepContext(): StepContext {
  return { lr: input('lr', 'float32', []), step: input('optimizer_step', 'float32', []) }
}
