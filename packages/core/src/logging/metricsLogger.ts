import type { ConfigValue } from '../config/configValue.js'

/** A picture for a metrics logger. */
export interface LoggedImage {
  /** A whole PNG file. */
  readonly png: Uint8Array
}

/** A sound for a metrics logger. */
export interface LoggedAudio {
  /** A whole WAV file. */
  readonly wav: Uint8Array
}

/**
 * Records what a run measures: Lightning's logger interface in TypeScript. Steps count optimiser updates. Implementations
 * may leave out kinds of data that they cannot hold.
 */
export interface MetricsLogger {
  /** Short name: `csv`, `tensorboard`, `wandb`. */
  readonly name: string
  /** Records numbers under their names at a step. */
  logMetrics(metrics: Readonly<Record<string, number>>, step: number): void
  /** Records the run's settings once. */
  logHyperparams(params: Readonly<Record<string, ConfigValue>>): void
  logText?(tag: string, text: string, step: number): void
  logImage?(tag: string, image: LoggedImage, step: number): void
  logAudio?(tag: string, audio: LoggedAudio, step: number): void
  /** Records the distribution of values, such as a layer's weights. */
  logHistogram?(tag: string, values: ArrayLike<number>, step: number): void
  /** Writes out what is still in memory. */
  flush(): void | Promise<void>
  /** Flushes, records how the run ended, and closes files. Default `success`. */
  close(status?: 'success' | 'failed'): void | Promise<void>
}

/** Several loggers as one. A kind of data goes to those that can hold it. */
export class MetricsLoggerCollection implements MetricsLogger {
  readonly name = 'collection'

  constructor(readonly loggers: readonly MetricsLogger[]) {}

  logMetrics(metrics: Readonly<Record<string, number>>, step: number): void {
    for (const logger of this.loggers) logger.logMetrics(metrics, step)
  }

  logHyperparams(params: Readonly<Record<string, ConfigValue>>): void {
    for (const logger of this.loggers) logger.logHyperparams(params)
  }

  logText(tag: string, text: string, step: number): void {
    for (const logger of this.loggers) logger.logText?.(tag, text, step)
  }

  logImage(tag: string, image: LoggedImage, step: number): void {
    for (const logger of this.loggers) logger.logImage?.(tag, image, step)
  }

  logAudio(tag: string, audio: LoggedAudio, step: number): void {
    for (const logger of this.loggers) logger.logAudio?.(tag, audio, step)
  }

  logHistogram(tag: string, values: ArrayLike<number>, step: number): void {
    for (const logger of this.loggers) logger.logHistogram?.(tag, values, step)
  }

  async flush(): Promise<void> {
    for (const logger of this.loggers) await logger.flush()
  }

  async close(status: 'success' | 'failed' = 'success'): Promise<void> {
    for (const logger of this.loggers) await logger.close(status)
  }
}

/** Turns nested settings into `model/optim/lr: 0.1`, as Lightning names hyperparameters. Lists become text. */
export function flattenHyperparams(
  params: Readonly<Record<string, ConfigValue>>,
): Record<string, string | number | boolean | null> {
  const flat: Record<string, string | number | boolean | null> = {}
  const walk = (value: ConfigValue, name: string): void => {
    if (Array.isArray(value)) flat[name] = JSON.stringify(value)
    else if (typeof value === 'object' && value !== null) {
      for (const [key, item] of Object.entries(value)) walk(item, name === '' ? key : `${name}/${key}`)
    } else flat[name] = value
  }
  walk(params as ConfigValue, '')
  return flat
}
