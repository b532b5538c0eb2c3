import type { Parameter, Tensor } from '@nemo/graph'

/** Parameters that share hyper-parameters. */
export interface ParameterGroup {
  readonly parameters: readonly Parameter[]
  /** Overrides of the optimiser's own settings for this group, by config key (`weight_decay`, `lr_scale`, ...). */
  readonly overrides?: Readonly<Record<string, unknown>>
}

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
  /** New values of parameters and states, given the gradient of each parameter. */
  updates(gradients: ReadonlyMap<Parameter, Tensor>, context: StepContext): Map<Parameter, Tensor>
  /** States by name (`exp_avg.encoder...weight`), for checkpoints. */
  state(): ReadonlyMap<string, Parameter>
}
