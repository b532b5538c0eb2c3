import type { Tensor, TensorData } from '@nemo/graph'
import type { MetricsLogger } from '../logging/metricsLogger.js'
import { ActionCallback } from './actionCallback.js'

/** Options of a `SimpleLossLoggerCallback`. */
export interface SimpleLossLoggerOptions {
  /** Tensors of the training graph, in the order in which the functions below get their values. */
  readonly tensors: Tensor | readonly Tensor[]
  /** Shows values to people. */
  readonly printFunc?: (values: readonly TensorData[]) => unknown
  /** Scalars for `tbWriter`, with their tags. */
  readonly getTbValues?: (
    values: readonly TensorData[],
  ) => readonly (readonly [tag: string, value: number | TensorData])[]
  /** Writes other things to `tbWriter`. */
  readonly logToTbFunc?: (writer: MetricsLogger, values: readonly TensorData[], step: number) => unknown
  /** Steps between two reports. Default 25. */
  readonly stepFreq?: number
  /** Where scalars go, `factory.tbWriter` as a rule. */
  readonly tbWriter?: MetricsLogger | undefined
}

/**
 * Reports values of the training graph every few steps, the first step included.
 *
 * Source: NeMo v0.9.0 `SimpleLossLoggerCallback`. Differences: there may be several; the writer is flushed at the end and not
 * closed, as other callbacks write to it too.
 */
export class SimpleLossLoggerCallback extends ActionCallback {
  override readonly tensors: readonly Tensor[]
  readonly #options: SimpleLossLoggerOptions
  readonly #stepFreq: number
  #actionStart = 0
  #epochStart = 0
  #iterationStart = 0

  /** @throws RangeError if `stepFreq` is no whole number from 1 on. */
  constructor(options: SimpleLossLoggerOptions) {
    super()
    this.#options = options
    const { tensors } = options
    this.tensors = Array.isArray(tensors) ? tensors : [tensors as Tensor]
    this.#stepFreq = options.stepFreq ?? 25
    if (!Number.isInteger(this.#stepFreq) || this.#stepFreq < 1)
      throw new RangeError(`stepFreq: expected a whole number >= 1, found ${options.stepFreq}.`)
  }

  override onActionStart(): void {
    this.logger.info('Starting .....')
    this.#actionStart = performance.now()
  }

  override async onActionEnd(): Promise<void> {
    await this.#options.tbWriter?.flush()
    this.logger.info(`Done in ${seconds(this.#actionStart)}`)
  }

  override onEpochStart(): void {
    this.logger.info(`Starting epoch ${this.epochNum}`)
    this.#epochStart = performance.now()
  }

  override onEpochEnd(): void {
    const time = seconds(this.#epochStart)
    this.logger.info(`Finished epoch ${this.epochNum} in ${time}`)
    this.#options.tbWriter?.logMetrics({ 'misc/epoch': this.epochNum, 'misc/epoch_time': time }, this.step)
  }

  override onIterationStart(): void {
    this.#iterationStart = performance.now()
  }

  override async onIterationEnd(): Promise<void> {
    const { step } = this
    if (step % this.#stepFreq !== 0) return
    const { printFunc, getTbValues, logToTbFunc, tbWriter } = this.#options
    const time = seconds(this.#iterationStart)
    const values = this.tensors.map((tensor) => this.registeredTensors.get(tensor)!)
    this.logger.info(`Step: ${step}`)
    await printFunc?.(values)
    if (tbWriter) {
      const scalars = (getTbValues?.(values) ?? []).map(([tag, value]) => [tag, scalarOf(value)] as const)
      tbWriter.logMetrics({ ...Object.fromEntries(scalars), 'misc/step_time': time }, step)
      await logToTbFunc?.(tbWriter, values, step)
    }
    this.logger.info(`Step time: ${time} seconds`)
  }
}

const seconds = (start: number): number => (performance.now() - start) / 1000

const scalarOf = (value: number | TensorData): number => (typeof value === 'number' ? value : Number(value.data[0]))
