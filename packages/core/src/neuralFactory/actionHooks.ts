import type { Tensor, TensorData } from '@nemo/graph'
import type { Model } from '../models/model.js'
import type { Callback } from '../trainer/callback.js'
import type { Trainer } from '../trainer/trainer.js'
import type { ActionCallback } from './actionCallback.js'
import { uniqueName } from './dag.js'

/** What moves while an action trains. */
export interface ActionProgress {
  step: number
  epochNum: number
}

/** Lets the callbacks of an action take part in the trainer's run. */
export class ActionHooks implements Callback {
  // Checkpoints come after what other callbacks of the trainer do.
  readonly savesCheckpoints = true
  readonly #callbacks: readonly ActionCallback[]
  readonly #progress: ActionProgress
  readonly #tensors: readonly Tensor[]

  /** @param tensors - What is looked at while training. */
  constructor(callbacks: readonly ActionCallback[], progress: ActionProgress, tensors: readonly Tensor[]) {
    this.#callbacks = callbacks
    this.#progress = progress
    this.#tensors = tensors
  }

  async onTrainEpochStart(trainer: Trainer): Promise<void> {
    this.#follow(trainer)
    await this.#call('onEpochStart')
    await this.#call('onIterationStart')
  }

  async onTrainBatchEnd(
    trainer: Trainer,
    _model: Model,
    result: { readonly outputs: Readonly<Record<string, TensorData>> },
    batchIndex: number,
  ): Promise<void> {
    // Batches whose gradients are still being added up are no step.
    if (trainer.progress.accumulatedBatches > 0) return
    // Where optimisers take turns, losses of the others are not computed unless they are looked at.
    const values = new Map(
      this.#tensors.flatMap((tensor) => {
        const value = result.outputs[uniqueName(tensor)]
        return value ? [[tensor, value] as const] : []
      }),
    )
    this.#progress.epochNum = trainer.currentEpoch
    // NeMo counts the step up after its callbacks.
    this.#progress.step = trainer.globalStep - 1
    for (const callback of this.#callbacks) callback.registeredTensors = values
    await this.#call('onIterationEnd')
    this.#progress.step = trainer.globalStep
    const { trainingBatches, globalStep } = trainer
    const goesOn = globalStep < (trainer.maxSteps(trainingBatches) ?? Number.POSITIVE_INFINITY)
    if (goesOn && batchIndex + 1 < trainingBatches) await this.#call('onIterationStart')
  }

  async onTrainEpochEnd(trainer: Trainer): Promise<void> {
    this.#follow(trainer)
    await this.#call('onEpochEnd')
  }

  onMessage(_trainer: Trainer, line: string): void {
    for (const callback of this.#callbacks.slice(0, 1)) callback.logger.warning(line)
  }

  async onInterrupt(trainer: Trainer): Promise<void> {
    this.#follow(trainer)
    await this.#call('onInterrupt')
  }

  async onFitEnd(trainer: Trainer): Promise<void> {
    this.#follow(trainer)
    if (!trainer.interrupted) await this.#call('onActionEnd')
  }

  #follow(trainer: Trainer): void {
    this.#progress.step = trainer.globalStep
    this.#progress.epochNum = trainer.currentEpoch
  }

  async #call(
    hook: 'onEpochStart' | 'onEpochEnd' | 'onIterationStart' | 'onIterationEnd' | 'onInterrupt' | 'onActionEnd',
  ): Promise<void> {
    for (const callback of this.#callbacks) await callback[hook]()
  }
}
