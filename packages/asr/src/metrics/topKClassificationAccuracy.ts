import type { TensorData } from '@nemo/graph'
import { AsrError } from '../errors.js'

/** How often the samples of a class were recognised. */
export interface ClassResult {
  /** Samples of the class. */
  readonly count: number
  /** Of them, those recognised first. */
  readonly correct: number
  /** Samples recognised as this class. */
  readonly predicted: number
  readonly recall: number
  readonly precision: number
  readonly f1: number
}

/** The `count` classes with the highest scores, best first; of equal ones the lower class comes first. */
export function topClasses(scores: ArrayLike<number>, count: number): number[] {
  return Array.from({ length: scores.length }, (_, id) => id)
    .sort((a, b) => scores[b]! - scores[a]! || a - b)
    .slice(0, count)
}

/**
 * Share of samples whose class is among the k with the highest scores, over all batches so far; and for each class, what its
 * samples were taken for.
 *
 * Source: NeMo v1.0.0 `TopKClassificationAccuracy`, which keeps the counts of the last batch only.
 */
export class TopKClassificationAccuracy {
  /** The values of k. */
  readonly topK: readonly number[]
  readonly #correct: number[]
  readonly #confusions = new Map<number, Map<number, number>>()
  #total = 0

  /** @throws AsrError for a k that is no positive whole number. */
  constructor(topK: number | readonly number[] = [1]) {
    this.topK = typeof topK === 'number' ? [topK] : [...topK]
    const wrong = this.topK.find((k) => !Number.isInteger(k) || k < 1)
    if (wrong !== undefined || this.topK.length === 0)
      throw new AsrError(
        'NEMO_ASR_TOP_K',
        `TopKClassificationAccuracy: expected whole numbers of at least 1, found ${wrong ?? 'none'}.`,
      )
    this.#correct = this.topK.map(() => 0)
  }

  /**
   * Takes in a batch.
   *
   * @param logits - Scores `[B, C]`.
   * @param labels - Classes `[B]`.
   * @returns the class recognised in each sample.
   */
  update(logits: TensorData, labels: ArrayLike<number | bigint>): number[] {
    const [batch, classes] = logits.shape as readonly [number, number]
    const most = Math.min(Math.max(...this.topK), classes)
    const data = logits.data as Float32Array
    return Array.from({ length: batch }, (_, b) => {
      const best = topClasses(data.subarray(b * classes, (b + 1) * classes), most)
      const label = Number(labels[b]!)
      for (const [i, k] of this.topK.entries()) if (best.slice(0, k).includes(label)) this.#correct[i]!++
      const row = this.#confusions.get(label) ?? new Map<number, number>()
      this.#confusions.set(label, row.set(best[0]!, (row.get(best[0]!) ?? 0) + 1))
      this.#total++
      return best[0]!
    })
  }

  /** Accuracy for each k; NaN before the first sample. */
  compute(): number[] {
    return this.#correct.map((correct) => correct / this.#total)
  }

  /** How often samples of one class were taken for another (or the same). */
  confusions(label: number, recognised: number): number {
    return this.#confusions.get(label)?.get(recognised) ?? 0
  }

  /** Results of the first `classes` classes. Ratios without samples are 0. */
  perClass(classes: number): ClassResult[] {
    const ids = Array.from({ length: classes }, (_, id) => id)
    return ids.map((id) => {
      const count = [...(this.#confusions.get(id)?.values() ?? [])].reduce((sum, n) => sum + n, 0)
      const predicted = [...this.#confusions.keys()].reduce((sum, label) => sum + this.confusions(label, id), 0)
      const correct = this.confusions(id, id)
      const ratio = (of: number) => (of === 0 ? 0 : correct / of)
      const f1 = count + predicted === 0 ? 0 : (2 * correct) / (count + predicted)
      return { count, correct, predicted, recall: ratio(count), precision: ratio(predicted), f1 }
    })
  }

  reset(): void {
    this.#correct.fill(0)
    this.#confusions.clear()
    this.#total = 0
  }
}
