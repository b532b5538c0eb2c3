import type { Tensor, TensorData } from '@nemo/graph'
import { getLogger, type Logger } from '../logging/logger.js'
import type { NeuralModule } from '../modules/neuralModule.js'

/** What callbacks see of the action that they take part in. */
export interface RunningAction {
  /** In `onIterationEnd` the number of that step, counted from 0; else optimiser steps done. */
  readonly step: number
  /** Pass over the data, from 0. */
  readonly epochNum: number
  /** Modules of the training graph and of all evaluation graphs. */
  readonly modules: readonly NeuralModule[]
  readonly logger: Logger
  /** Computes tensors over all batches of their data layer, in evaluation mode. */
  evaluate(tensors: readonly Tensor[], onBatch: (values: ReadonlyMap<Tensor, TensorData>) => unknown): Promise<void>
  /** Writes step, epoch, optimiser state and place in the data; while training only. */
  saveStateTo(path: string): Promise<void>
  /** Makes training go on from what `saveStateTo` wrote; before training starts. */
  restoreStateFrom(path: string): Promise<void>
}

/**
 * Hooks into an action; all may be asynchronous. Callbacks run in the order of their list.
 *
 * Source: NeMo v0.9.0 `ActionCallback`. Difference: a callback says which tensors' values it wants.
 */
export abstract class ActionCallback {
  #action: RunningAction | undefined
  /** Tensors of the training graph whose values the callback reads after each step. */
  readonly tensors: readonly Tensor[] = []
  /** Values of all callbacks' tensors in the last batch of the step that has just been done, by tensor. */
  registeredTensors: ReadonlyMap<Tensor, TensorData> = new Map()

  /** The action; set when it starts. */
  get action(): RunningAction {
    if (!this.#action) throw new Error(`${this.constructor.name} takes part in no action yet.`)
    return this.#action
  }

  set action(action: RunningAction) {
    this.#action = action
  }

  /** See `RunningAction.step`. */
  get step(): number {
    return this.action.step
  }

  get epochNum(): number {
    return this.action.epochNum
  }

  get logger(): Logger {
    return this.#action?.logger ?? getLogger('neuralFactory')
  }

  onActionStart(): void | Promise<void> {}
  onActionEnd(): void | Promise<void> {}
  onEpochStart(): void | Promise<void> {}
  onEpochEnd(): void | Promise<void> {}
  onIterationStart(): void | Promise<void> {}
  onIterationEnd(): void | Promise<void> {}
  /** The user or the system asked to stop; `onActionEnd` does not come then. */
  onInterrupt(): void | Promise<void> {}
}
