import { type Batch, MeanLoss, type MetricAccumulator, type ReportSection } from '@nemo/core'
import type { TensorData } from '@nemo/graph'
import type { LabelledAudioInfo } from '../data/audioToLabelDataset.js'
import type { AudioEncoderModel } from '../models/audioEncoderModel.js'
import { utteranceSections } from '../report/utteranceSections.js'
import { type ClassResult, TopKClassificationAccuracy } from './topKClassificationAccuracy.js'

/** A sample with the class that was recognised in it. */
export interface ClassifiedAudio extends LabelledAudioInfo {
  readonly recognised: number
}

/** Options of `LabelMetrics`. */
export interface LabelMetricsOptions {
  readonly topK: readonly number[]
  /** What accuracies are called before `top@k`. */
  readonly prefix: string
}

// Classes whose confusions a report shows as a square table.
const SQUARE_CLASSES = 40

/** Accuracy among the k best classes, next to the mean loss; keeps every sample's result for reports. */
export class LabelMetrics implements MetricAccumulator {
  readonly accuracy: TopKClassificationAccuracy
  readonly #loss = new MeanLoss()
  readonly #model: AudioEncoderModel & { readonly labels: readonly string[] }
  readonly #prefix: string
  /** Every sample so far with what was recognised. */
  readonly samples: ClassifiedAudio[] = []

  constructor(model: AudioEncoderModel & { readonly labels: readonly string[] }, options: LabelMetricsOptions) {
    this.#model = model
    this.#prefix = options.prefix
    this.accuracy = new TopKClassificationAccuracy(options.topK)
  }

  update(outputs: Readonly<Record<string, TensorData>>, batch: Batch): void {
    this.#loss.update(outputs, batch)
    const infos = batch.samples as readonly LabelledAudioInfo[]
    const recognised = this.accuracy.update(
      outputs.logits!,
      infos.map(({ label }) => label),
    )
    for (const [i, info] of infos.entries()) this.samples.push({ ...info, recognised: recognised[i]! })
  }

  compute(): Record<string, number> {
    const accuracies = this.accuracy.compute().map((value, i) => [`${this.#prefix}top@${this.accuracy.topK[i]}`, value])
    return { ...this.#loss.compute(), ...Object.fromEntries(accuracies) }
  }

  /** Results of each class. */
  perClass(): ClassResult[] {
    return this.accuracy.perClass(this.#model.labels.length)
  }

  async reportSections(set: string): Promise<ReportSection[]> {
    if (this.samples.length === 0) return []
    const { labels } = this.#model
    const share = (value: number) => Math.round(value * 10_000) / 10_000
    const results: ReportSection = {
      kind: 'table',
      title: `Classes: ${set}`,
      columns: ['class', 'samples', 'recognised', 'recall', 'precision', 'F1'],
      rows: this.perClass().map(({ count, correct, recall, precision, f1 }, id) => [
        labels[id]!,
        count,
        correct,
        share(recall),
        share(precision),
        share(f1),
      ]),
    }
    const confusions: ReportSection = {
      kind: 'table',
      title: `Confusions: ${set}`,
      description: 'A row for each class, a column for what its samples were taken for.',
      columns: ['class', ...labels],
      rows: labels.map((label, id) => [
        label,
        ...labels.map((_, other) => this.accuracy.confusions(id, other) || null),
      ]),
    }
    const examples = await utteranceSections(
      this.#model,
      this.samples
        .filter(({ window }) => window === 0)
        .map(({ entry, label, recognised }) => ({
          reference: labels[label]!,
          hypothesis: labels[recognised]!,
          audioFile: entry.audioFile,
          offset: entry.offset,
          duration: entry.duration,
        })),
      { set },
    )
    return [results, ...(labels.length <= SQUARE_CLASSES ? [confusions] : []), ...examples]
  }
}
