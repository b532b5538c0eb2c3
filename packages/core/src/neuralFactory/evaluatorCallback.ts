import type { Tensor, TensorData } from '@nemo/graph'
import type { MetricsLogger } from '../logging/metricsLogger.js'
import { ActionCallback } from './actionCallback.js'
import { uniqueName } from './dag.js'

/** Values of a batch by the tensors' unique names (`loss~~~CTCLossNM~~~7`); lists, with one entry per process. */
export type EvaluationValues = Readonly<Record<string, readonly TensorData[]>>

/** A callback that evaluates a graph; what `eval` takes. */
export interface EvaluatingCallback extends ActionCallback {
  readonly evalTensors: readonly Tensor[]
}

/** Options of an `EvaluatorCallback`. */
export interface EvaluatorOptions<GlobalVars extends object, Result> {
  /** Tensors of an evaluation graph. */
  readonly evalTensors: readonly Tensor[]
  /** Takes from a batch's values what the evaluation is about, into the object that all batches share. */
  readonly userIterCallback: (values: EvaluationValues, globalVars: Partial<GlobalVars>) => unknown
  /** Sums up after the last batch; scalars that it returns go to `tbWriter`. */
  readonly userEpochsDoneCallback?: (globalVars: Partial<GlobalVars>) => Result | Promise<Result>
  readonly tbWriter?: MetricsLogger | undefined
  /** Writes what `userEpochsDoneCallback` returned, where it is not plain scalars. */
  readonly tbWriterFunc?: (writer: MetricsLogger, result: Result, step: number) => unknown
  /** Steps between two evaluations. Default 1. */
  readonly evalStep?: number
}

/**
 * Evaluates a graph every few steps, the first step included, and once at the end of the action.
 *
 * @typeParam GlobalVars - What the batches gather.
 * @typeParam Result - What the evaluation comes to: scalars by their names, unless `tbWriterFunc` writes it.
 *
 * Source: NeMo v0.9.0 `EvaluatorCallback`. `eval_epoch`, which does nothing there, is left out.
 */
export class EvaluatorCallback<GlobalVars extends object = Record<string, unknown>, Result = unknown>
  extends ActionCallback
  implements EvaluatingCallback
{
  readonly evalTensors: readonly Tensor[]
  readonly #options: EvaluatorOptions<GlobalVars, Result>
  readonly #evalStep: number

  /** @throws RangeError if `evalStep` is no whole number from 1 on. */
  constructor(options: EvaluatorOptions<GlobalVars, Result>) {
    super()
    this.#options = options
    this.evalTensors = options.evalTensors
    this.#evalStep = options.evalStep ?? 1
    if (!Number.isInteger(this.#evalStep) || this.#evalStep < 1)
      throw new RangeError(`evalStep: expected a whole number >= 1, found ${options.evalStep}.`)
  }

  override async onIterationEnd(): Promise<void> {
    if (this.step % this.#evalStep === 0) await this.#evaluate('Doing Evaluation')
  }

  override async onActionEnd(): Promise<void> {
    await this.#evaluate('Final Evaluation')
  }

  async #evaluate(title: string): Promise<void> {
    const { userIterCallback, userEpochsDoneCallback, tbWriter, tbWriterFunc } = this.#options
    this.logger.info(`${title} ${'.'.repeat(30)}`)
    const start = performance.now()
    const globalVars: Partial<GlobalVars> = {}
    await this.action.evaluate(this.evalTensors, (values) => {
      const named = this.evalTensors.map((tensor) => [uniqueName(tensor), [values.get(tensor)!]] as const)
      return userIterCallback(Object.fromEntries(named), globalVars)
    })
    const result = await userEpochsDoneCallback?.(globalVars)
    if (result !== undefined && result !== null && tbWriter) {
      if (tbWriterFunc) await tbWriterFunc(tbWriter, result as Result, this.step)
      else tbWriter.logMetrics(result as Record<string, number>, this.step)
      await tbWriter.flush()
    }
    this.logger.info(`Evaluation time: ${(performance.now() - start) / 1000} seconds`)
  }
}
