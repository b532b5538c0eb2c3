import type { Callback, Metrics } from '../callback.js'
import type { Trainer } from '../trainer.js'

/** A curve: values by step. */
export interface MetricSeries {
  readonly steps: number[]
  readonly values: number[]
}

/** Keeps every logged metric in memory, for reports. */
export class MetricsHistory implements Callback {
  readonly series = new Map<string, MetricSeries>()

  onLog(_trainer: Trainer, metrics: Metrics, step: number): void {
    this.add(metrics, step)
  }

  /** Adds values at a step; earlier runs' curves can be filled in before training. */
  add(metrics: Metrics, step: number): void {
    for (const [name, value] of Object.entries(metrics)) {
      let series = this.series.get(name)
      if (!series) {
        series = { steps: [], values: [] }
        this.series.set(name, series)
      }
      series.steps.push(step)
      series.values.push(value)
    }
  }
}
