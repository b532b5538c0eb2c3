import { AsrError } from '../errors.js'

/** Where as many impostors are let in as owners are kept out. */
export interface EqualErrorRate {
  /** From 0 to 1. */
  readonly rate: number
  /** Scores at or above it are accepted. */
  readonly threshold: number
}

/**
 * Equal error rate of verification scores: where the line through the points of the ROC curve meets that of equal errors.
 *
 * @param scores - The higher, the more alike.
 * @param same - Whether the two of each trial are the same speaker.
 * @throws AsrError unless there are trials of both kinds and as many answers as scores.
 *
 * Source: NeMo v1.0.0 `voxceleb_eval.py`, which takes scikit-learn's `roc_curve` and SciPy's `brentq`.
 */
export function equalErrorRate(scores: ArrayLike<number>, same: ArrayLike<boolean | number>): EqualErrorRate {
  const trials = Array.from({ length: scores.length }, (_, i) => ({ score: scores[i]!, same: Boolean(same[i]) }))
  const owners = trials.filter((trial) => trial.same).length
  const impostors = trials.length - owners
  if (
    same.length !== scores.length ||
    owners === 0 ||
    impostors === 0 ||
    trials.some(({ score }) => Number.isNaN(score))
  )
    throw new AsrError(
      'NEMO_ASR_TRIALS',
      `equalErrorRate: expected scores of same and of different speakers, found ${owners} and ${impostors} for ${scores.length} scores.`,
    )
  trials.sort((a, b) => b.score - a.score)
  let [accepted, admitted] = [0, 0]
  let before = { missed: 1, falsely: 0, threshold: trials[0]!.score }
  for (let i = 0; i < trials.length; ) {
    const { score } = trials[i]!
    for (; i < trials.length && trials[i]!.score === score; i++) {
      if (trials[i]!.same) accepted++
      else admitted++
    }
    const here = { missed: 1 - accepted / owners, falsely: admitted / impostors, threshold: score }
    if (here.falsely >= here.missed) {
      const [gap, next] = [before.missed - before.falsely, here.falsely - here.missed]
      const share = gap + next === 0 ? 0 : gap / (gap + next)
      return {
        rate: before.falsely + share * (here.falsely - before.falsely),
        threshold: before.threshold + share * (here.threshold - before.threshold),
      }
    }
    before = here
  }
  return { rate: before.falsely, threshold: before.threshold }
}
