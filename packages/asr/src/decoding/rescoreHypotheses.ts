import { AsrError } from '../errors.js'

/** How hypotheses are scored again. */
export interface RescoringOptions {
  /** Weight of the new ln P. */
  readonly alpha: number
  /** Added for each word. Default 0. */
  readonly beta?: number
  /** Weight of the score that hypotheses have. Default 1. */
  readonly searchWeight?: number
}

/**
 * Orders N-best hypotheses anew by a model that scores whole texts, such as a neural language model.
 *
 * @param hypotheses - What a search found; nothing of them changes but `score`.
 * @param logProbs - ln P of each of the texts, all at once, so that a network can compute them as a batch.
 * @returns searchWeight * score + alpha * ln P + beta * words as `score`, best first.
 * @throws AsrError unless there is a number for each text.
 *
 * Source: NeMo v1.0.0 `neural_rescorer`.
 */
export async function rescoreHypotheses<H extends { readonly text: string; readonly score: number }>(
  hypotheses: readonly H[],
  logProbs: (texts: readonly string[]) => ArrayLike<number> | Promise<ArrayLike<number>>,
  { alpha, beta = 0, searchWeight = 1 }: RescoringOptions,
): Promise<{ readonly hypothesis: H; readonly score: number; readonly logProb: number }[]> {
  const found = await logProbs(hypotheses.map(({ text }) => text))
  if (found.length !== hypotheses.length) {
    const message = `rescoreHypotheses: expected ${hypotheses.length} scores, one for each text, found ${found.length}.`
    throw new AsrError('NEMO_ASR_RESCORING', message)
  }
  return hypotheses
    .map((hypothesis, i) => {
      const words = hypothesis.text.split(' ').filter((word) => word !== '').length
      const logProb = found[i]!
      return { hypothesis, logProb, score: searchWeight * hypothesis.score + alpha * logProb + beta * words }
    })
    .sort((a, b) => b.score - a.score)
}
