import type { TensorData } from '@nemo/graph'
import type { Tokenizer } from '@nemo/tokenizers'
import { greedyCtcDecode } from '../decoding/greedyCtc.js'
import { type ErrorCounts, WER } from './wer.js'

/** Options of `WERBPE`. */
export interface WERBPEOptions {
  /** Makes text of ids; the blank is the id behind its last. */
  readonly tokenizer: Pick<Tokenizer, 'vocabSize' | 'idsToText'>
  /** Count characters instead of words. Default false. */
  readonly useCer?: boolean
}

/**
 * Error rate of best paths over sub-words, against targets as ids of the same tokenizer. Updates add up (NeMo 1.0's overwrite).
 *
 * Source: NeMo v1.0.0 `WERBPE`.
 */
export class WERBPE {
  readonly #tokenizer: WERBPEOptions['tokenizer']
  readonly #wer: WER

  constructor({ tokenizer, useCer = false }: WERBPEOptions) {
    this.#tokenizer = tokenizer
    this.#wer = new WER({ useCer })
  }

  /**
   * Texts of best paths.
   *
   * @param predictions - Ids `[B, T]`, the blank among them.
   * @param lengths - Valid frames `[B]`; default all.
   */
  ctcDecoderPredictions(predictions: TensorData, lengths?: ArrayLike<number | bigint>): string[] {
    const [batch, frames] = predictions.shape as readonly [number, number]
    const data = predictions.data as BigInt64Array
    const valid = lengths ?? new Array<number>(batch).fill(frames)
    const paths = greedyCtcDecode({ shape: predictions.shape, data }, valid, this.#tokenizer.vocabSize)
    return paths.map((ids) => this.#tokenizer.idsToText(ids))
  }

  /**
   * Counts the errors of a batch.
   *
   * @param targets - Ids `[B, U]`; `targetLengths` `[B]` of them are valid.
   */
  update(
    predictions: TensorData,
    targets: TensorData,
    targetLengths: ArrayLike<number | bigint>,
    predictionLengths?: ArrayLike<number | bigint>,
  ): void {
    const width = targets.shape[1]!
    for (const [b, hypothesis] of this.ctcDecoderPredictions(predictions, predictionLengths).entries()) {
      const target = Array.from(
        (targets.data as BigInt64Array).subarray(b * width, b * width + Number(targetLengths[b])),
      )
      this.#wer.update(hypothesis, this.#tokenizer.idsToText(target.map(Number)))
    }
  }

  get counts(): ErrorCounts {
    return this.#wer.counts
  }

  /** Errors per unit; infinity when there are no units. */
  compute(): number {
    return this.#wer.compute()
  }
}
