import { NlpError } from '../errors.js'

/** How the numbers of classes become one: see {@link ClassificationReport}. */
export type ReportMode = 'macro' | 'micro' | 'weighted'

/** In percent. */
export interface Scores {
  readonly precision: number
  readonly recall: number
  readonly f1: number
}

/** Options of a classification report. */
export interface ClassificationReportOptions {
  /** Names of classes, each with its id. */
  readonly labelIds?: Readonly<Record<string, number>>
}

/** Added to denominators, against division by 0. */
const EPSILON = 1e-6

/**
 * Precision, recall and F1 of classes, in percent, over all updates.
 *
 * Averages: `micro` over examples; `macro` over the classes that occur in the labels, though classes that were only
 * predicted count into the sum; `weighted` by how often classes occur in the labels.
 *
 * Source: NeMo v1.0.0 `ClassificationReport`.
 */
export class ClassificationReport {
  readonly numClasses: number
  readonly #names: ReadonlyMap<number, string>
  readonly #truePositives: Float64Array
  readonly #falsePositives: Float64Array
  readonly #falseNegatives: Float64Array

  constructor(numClasses: number, options: ClassificationReportOptions = {}) {
    this.numClasses = numClasses
    this.#names = new Map(Object.entries(options.labelIds ?? {}).map(([name, id]) => [id, name]))
    this.#truePositives = new Float64Array(numClasses)
    this.#falsePositives = new Float64Array(numClasses)
    this.#falseNegatives = new Float64Array(numClasses)
  }

  /**
   * Takes in the classes of examples. Those outside 0 to `numClasses - 1` are no class: a label of -1 makes its
   * prediction wrong, and nothing missed.
   *
   * @throws NlpError if the lists differ in length.
   */
  update(predictions: ArrayLike<number | bigint>, labels: ArrayLike<number | bigint>): void {
    if (predictions.length !== labels.length) {
      throw new NlpError(
        'NEMO_METRIC_LENGTH',
        `ClassificationReport: expected as many predictions as labels, found ${predictions.length} and ${labels.length}.`,
      )
    }
    for (let i = 0; i < labels.length; i++) {
      const [predicted, label] = [Number(predictions[i]), Number(labels[i])]
      const [known, wanted] = [this.#isClass(predicted), this.#isClass(label)]
      if (predicted === label) {
        if (known) this.#truePositives[label]!++
        continue
      }
      if (known) this.#falsePositives[predicted]!++
      if (wanted) this.#falseNegatives[label]!++
    }
  }

  /** Forgets all updates. */
  reset(): void {
    for (const counts of [this.#truePositives, this.#falsePositives, this.#falseNegatives]) counts.fill(0)
  }

  /** Labelled examples of known classes. */
  get totalExamples(): number {
    return this.#support.reduce((sum, n) => sum + n, 0)
  }

  /** True positives, false positives and false negatives of each class. */
  get counts(): { readonly tp: number[]; readonly fp: number[]; readonly fn: number[] } {
    return { tp: [...this.#truePositives], fp: [...this.#falsePositives], fn: [...this.#falseNegatives] }
  }

  /** Scores of each class. */
  perClass(): Scores[] {
    return Array.from({ length: this.numClasses }, (_, i) =>
      scoresOf(this.#truePositives[i]!, this.#falsePositives[i]!, this.#falseNegatives[i]!),
    )
  }

  /** Scores of all classes together; without examples, `macro` and `weighted` are NaN. */
  compute(mode: ReportMode = 'macro'): Scores {
    const perClass = this.perClass()
    const support = this.#support
    switch (mode) {
      case 'micro': {
        const { tp, fp, fn } = this.counts
        return scoresOf(sum(tp), sum(fp), sum(fn))
      }
      case 'macro': {
        const occurring = support.filter((n) => n > 0).length
        return mapScores((key) => sum(perClass.map((scores) => scores[key])) / occurring)
      }
      case 'weighted':
        return mapScores((key) => sum(perClass.map((scores, i) => scores[key] * support[i]!)) / this.totalExamples)
    }
  }

  /** A table with a line for each class and each average. */
  report(): string {
    const row = (label: string, { precision, recall, f1 }: Scores, support: number): string =>
      `${label.padEnd(50)}   ${[precision, recall, f1].map((value) => value.toFixed(2).padStart(8)).join('   ')}   ${String(support).padStart(8)}`
    const header = ['label'.padEnd(50), ...['precision', 'recall', 'f1', 'support'].map((name) => name.padEnd(10))]
    const total = this.totalExamples
    const lines = [
      '',
      header.join('   '),
      ...this.perClass().map((scores, id) => row(this.#label(id), scores, this.#support[id]!)),
      '-------------------',
      row('micro avg', this.compute('micro'), total),
      row('macro avg', this.compute('macro'), total),
      row('weighted avg', this.compute('weighted'), total),
      '',
    ]
    return lines.join('\n')
  }

  #label(id: number): string {
    const name = this.#names.get(id)
    return name === undefined ? `label_id: ${id}` : `${name} (label_id: ${id})`
  }

  #isClass(id: number): boolean {
    return Number.isInteger(id) && id >= 0 && id < this.numClasses
  }

  get #support(): number[] {
    return Array.from(this.#truePositives, (n, i) => n + this.#falseNegatives[i]!)
  }
}

function scoresOf(truePositives: number, falsePositives: number, falseNegatives: number): Scores {
  const precision = (100 * truePositives) / (truePositives + falsePositives + EPSILON)
  const recall = (100 * truePositives) / (truePositives + falseNegatives + EPSILON)
  return { precision, recall, f1: (2 * precision * recall) / (precision + recall + EPSILON) }
}

const mapScores = (value: (key: keyof Scores) => number): Scores => ({
  precision: value('precision'),
  recall: value('recall'),
  f1: value('f1'),
})

const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0)
