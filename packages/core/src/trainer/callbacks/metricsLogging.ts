import { getLogger } from '../../logging/logger.js'
import type { MetricsLogger } from '../../logging/metricsLogger.js'
import { formatMetric } from '../../logging/progressBar.js'
import type { Callback, Metrics } from '../callback.js'
import type { Trainer } from '../trainer.js'

/** Hands every metric to loggers (TensorBoard, CSV, ...) and writes it as a line of the run's log. */
export class MetricsLogging implements Callback {
  readonly #loggers: readonly MetricsLogger[]
  readonly #log = getLogger('trainer')

  constructor(loggers: readonly MetricsLogger[] = []) {
    this.#loggers = loggers
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
}
