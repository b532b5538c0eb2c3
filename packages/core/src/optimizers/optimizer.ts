import { input, type Parameter, type Tensor, type TensorData } from '@nemo/graph'

/** What an optimiser step reads besides parameters and gradients. */
export interface StepContext {
  /** Learning rate of this step, float32 scalar. */
  readonly lr: Tensor
  /** Number of this step of these parameters, counted from 1, float32 scalar. */
  readonly step: Tensor
  /** One of the optimiser's own `scalars`, float32. */
  scalar(name: string): Tensor
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
   * Scalars that depend on the number of the step alone, by the name that `updates` asks the context for. They are
   * computed here, in double precision, where float32 would lose too much.
   *
   * @param step - Number of the step, counted from 1.
   */
  scalars?(step: number): Readonly<Record<string, number>>
  /** States by name (`exp_avg.encoder...weight`), for checkpoints. */
  state(): ReadonlyMap<string, Parameter>
}

/**
 * What to feed to a program that holds an optimiser's updates drawn with `stepContext`.
 *
 * @param step - Number of the step, counted from 1.
 * @param inputs - The program's inputs; what it does not read is left out.
 * @param part - As `stepContext` got it.
 */
export function optimizerFeeds(
  optimizer: Optimizer,
  lr: number,
  step: number,
  inputs: readonly { readonly name: string }[],
  part = '',
): Record<string, TensorData> {
  const scalars = Object.entries({ lr, optimizer_step: step, ...optimizer.scalars?.(step) })
  const values: Readonly<Record<string, number>> = Object.fromEntries(
    scalars.map(([name, value]) => [name + part, value]),
  )
  const read = inputs.map(({ name }) => name).filter((name) => Object.hasOwn(values, name))
  return Object.fromEntries(
    read.map((name) => [name, { dtype: 'float32', shape: [], data: Float32Array.of(values[name]!) }]),
  )
}

/**
 * The inputs that `optimizerFeeds` feeds.
 *
 * @param part - End of the inputs' names, where parameters of one program go by different rates and steps. Default none.
 */
export function stepContext(part = ''): StepContext {
  const inputs = new Map<string, Tensor>()
  const scalar = (name: string): Tensor => {
    const made = inputs.get(name) ?? input(name + part, 'float32', [])
    inputs.set(name, made)
    return made
  }
  return { lr: scalar('lr'), step: scalar('optimizer_step'), scalar }
}
