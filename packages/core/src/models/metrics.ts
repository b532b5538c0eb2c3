import type { Runtime, TensorData } from '@nemo/graph'
import type { Batch } from '../data/dataset.js'
import type { ReportSection } from '../experiment/report/sections.js'

/** Metrics gathered over the batches of an evaluation, on the host. */
export interface MetricAccumulator {
  /**
   * Takes in one batch.
   *
   * @param outputs - What the step's graph gave, by name.
   * @param runtime - Where the step ran and the weights lie, for metrics that compute more with the model.
   */
  update(outputs: Readonly<Record<string, TensorData>>, batch: Batch, runtime: Runtime): void | Promise<void>
  /** Values over all batches so far, by short name (`loss`, `wer`). */
  compute(): Record<string, number>
  /**
   * What a run's report shows of this evaluation besides the values: samples, sounds, spectrograms.
   *
   * @param set - Name of the set that was evaluated, for titles.
   */
  reportSections?(set: string): Promise<readonly ReportSection[]>
}

/** Mean of the `loss` output over samples. */
export class MeanLoss implements MetricAccumulator {
  #sum = 0
  #count = 0

  update(outputs: Readonly<Record<string, TensorData>>, batch: Batch): void {
    const loss = outputs.loss
    if (!loss) return
    this.#sum += Number(loss.data[0]) * batch.samples.length
    this.#count += batch.samples.length
  }

  compute(): Record<string, number> {
    return this.#count === 0 ? {} : { loss: this.#sum / this.#count }
  }
}
