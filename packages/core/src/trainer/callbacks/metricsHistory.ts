import type { Callback, CallbackState, Metrics } from '../callback.js'
import type { Trainer } from '../trainer.js'

/** A curve: values by step. */
export interface MetricSeries {
  readonly steps: number[]
  readonly values: number[]
}

/** Keeps every logged metric in memory and in checkpoints, for reports on the whole of a run. */
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
  state(): CallbackState {
    return Object.fromEntries(
      [...this.series].flatMap(([name, { steps, values }]) => [
        [`steps.${name}`, steps],
        [`values.${name}`, values],
      ]),
    )
  }

  loadState(state: CallbackState): void {
    this.series.clear()
    for (const [key, steps] of Object.entries(state)) {
      if (!key.startsWith('steps.')) continue
      const name = key.slice('steps.'.length)
      const values = state[`values.${name}`]
      if (Array.isArray(steps) && Array.isArray(values))
        this.series.set(name, { steps: [...(steps as number[])], values: [...(values as number[])] })
    }
  }
}
