import { getLogger } from '../../logging/logger.js'
import type { MetricsLogger } from '../../logging/metricsLogger.js'
import { formatMetric } from '../../logging/progressBar.js'
import type { Callback, Metrics } from '../callback.js'
import type { Trainer } from '../trainer.js'

/**
 * Makes loggers when training starts.
 *
 * @param resumedAt - The first step that is done again, where a run goes on: what loggers hold from it on is to go.
 */
export type LoggerFactory = (resumedAt: number | undefined) => Promise<readonly MetricsLogger[]>

/** Hands every metric to loggers (TensorBoard, CSV, ...) and writes it as a line of the run's log. */
export class MetricsLogging implements Callback {
  #loggers: readonly MetricsLogger[]
  readonly #make: LoggerFactory | undefined
  readonly #log = getLogger('trainer')

  /** @param loggers - Or what makes them once it is known where a run goes on. */
  constructor(loggers: readonly MetricsLogger[] | LoggerFactory = []) {
    this.#loggers = typeof loggers === 'function' ? [] : loggers
    this.#make = typeof loggers === 'function' ? loggers : undefined
  }

  /** The loggers, once they are there. */
  get loggers(): readonly MetricsLogger[] {
    return this.#loggers
  }

  async onFitStart(trainer: Trainer): Promise<void> {
    if (!this.#make || this.#loggers.length > 0) return
    this.#loggers = await this.#make(trainer.progress.batchesDone > 0 ? trainer.globalStep + 1 : undefined)
  }

  onLog(trainer: Trainer, metrics: Metrics, step: number): void {
    for (const logger of this.#loggers) logger.logMetrics({ ...metrics, epoch: trainer.currentEpoch }, step)
    const shown = Object.entries(metrics).map(([name, value]) => `${name} ${formatMetric(value)}`)
    this.#log.debug(`epoch ${trainer.currentEpoch} step ${step}: ${shown.join(', ')}`)
  }

  onMessage(_trainer: Trainer, line: string): void {
    this.#log.warning(line)
  }

  async onFitEnd(): Promise<void> {
    for (const logger of this.#loggers) await logger.flush()
  }

  /** Closes the loggers. */
  async close(status: 'success' | 'failed' = 'success'): Promise<void> {
    for (const logger of this.#loggers) await logger.close(status)
    this.#loggers = []
  }
}
