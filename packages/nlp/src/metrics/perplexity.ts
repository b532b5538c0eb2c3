import { sizeOf, type TensorData } from '@nemo/graph'
import { NlpError } from '../errors.js'

/** Distributions over the last axis: logits (unnormalised log-probabilities) or probabilities. */
export type Distributions = { readonly logits: TensorData } | { readonly probs: TensorData }

/**
 * Mean over distributions of exp(entropy).
 *
 * Source: NeMo v1.0.0 `Perplexity`.
 */
export class Perplexity {
  #sum = 0
  #count = 0

  /**
   * Takes in distributions `[..., V]`. Probabilities are divided by their sum.
   *
   * @throws NlpError for NaN, for negative probabilities, and for those that add up to 0.
   */
  update(distributions: Distributions): void {
    const isLogits = 'logits' in distributions
    const { data, shape } = isLogits ? distributions.logits : distributions.probs
    const classes = shape.at(-1) ?? 0
    for (let start = 0; start < sizeOf(shape); start += classes) {
      const row = Array.from({ length: classes }, (_, i) => Number(data[start + i]))
      this.#sum += Math.exp(entropy(isLogits ? softmax(row) : normalized(row)))
      this.#count++
    }
  }

  /** Forgets all updates. */
  reset(): void {
    this.#sum = 0
    this.#count = 0
  }

  /** Null before the first update. */
  compute(): number | null {
    return this.#count === 0 ? null : this.#sum / this.#count
  }
}

/**
 * Mean over sequences of exp(mean of minus the log-probabilities of the labels).
 *
 * Source: NeMo v1.0.0 `SequencePerplexity`.
 */
export class SequencePerplexity {
  #sum = 0
  #count = 0

  /**
   * @param logProbs - `[B, T, V]`
   * @param labels - `[B, T]`, each 0 to V - 1, where the mask counts.
   * @param mask - `[B, T]`, weights of positions; default 1 each. A sequence without any makes the result NaN.
   * @throws NlpError for shapes that do not fit and for labels out of range.
   */
  update(logProbs: TensorData, labels: TensorData, mask?: TensorData): void {
    const [batch = 0, time = 0, vocabulary = 0] = logProbs.shape
    for (const [name, tensor] of Object.entries({ labels, ...(mask && { mask }) })) {
      if (logProbs.shape.length !== 3 || tensor.shape.join() !== `${batch},${time}`) {
        throw new NlpError(
          'NEMO_METRIC_SHAPE',
          `SequencePerplexity: expected logProbs [B, T, V] and ${name} [B, T], found [${logProbs.shape.join(', ')}] and [${tensor.shape.join(', ')}].`,
        )
      }
    }
    for (let b = 0; b < batch; b++) {
      let sum = 0
      let weights = 0
      for (let t = 0; t < time; t++) {
        const at = b * time + t
        const weight = mask ? Number(mask.data[at]) : 1
        if (weight === 0) continue
        const label = Number(labels.data[at])
        if (!(label >= 0 && label < vocabulary)) {
          throw new NlpError(
            'NEMO_METRIC_LABEL',
            `SequencePerplexity: label ${label} of sequence ${b}, position ${t}: expected 0 to ${vocabulary - 1}. Mask positions without a label.`,
          )
        }
        sum -= weight * Number(logProbs.data[at * vocabulary + label])
        weights += weight
      }
      this.#sum += Math.exp(sum / weights)
      this.#count++
    }
  }

  /** Forgets all updates. */
  reset(): void {
    this.#sum = 0
    this.#count = 0
  }

  /** Null before the first update. */
  compute(): number | null {
    return this.#count === 0 ? null : this.#sum / this.#count
  }
}

function softmax(logits: readonly number[]): number[] {
  const largest = Math.max(...logits)
  if (Number.isNaN(largest)) throw new NlpError('NEMO_METRIC_NAN', 'Perplexity: logits contain NaN.')
  return normalized(logits.map((x) => Math.exp(x - largest)))
}

function normalized(probs: readonly number[]): number[] {
  const total = probs.reduce((sum, p) => sum + p, 0)
  if (!(total > 0) || probs.some((p) => p < 0)) {
    throw new NlpError(
      'NEMO_METRIC_PROBABILITIES',
      `Perplexity: expected probabilities of at least 0 that do not add up to 0, found a sum of ${total}.`,
    )
  }
  return probs.map((p) => p / total)
}

const entropy = (probs: readonly number[]): number => probs.reduce((sum, p) => (p > 0 ? sum - p * Math.log(p) : sum), 0)
