import type { TransducerHypothesis } from './hypothesis.js'
import type { PredictionState, TransducerSteps } from './transducerSteps.js'

/** A hypothesis of a beam search on its way. */
export interface SearchPath {
  readonly ids: readonly number[]
  readonly timesteps: readonly number[]
  readonly score: number
}

/** Searches start here. */
export const emptyPath: SearchPath = { ids: [], timesteps: [], score: 0 }

/** The path with one more label. */
export const withLabel = (
  { ids, timesteps, score }: SearchPath,
  id: number,
  time: number,
  logProb: number,
): SearchPath => ({
  ids: [...ids, id],
  timesteps: [...timesteps, time],
  score: score + logProb,
})

/** States of the prediction network by label sequence: paths that say the same share one. */
export class PredictionCache {
  readonly #steps: TransducerSteps
  readonly #states = new Map<string, PredictionState>()

  constructor(steps: TransducerSteps) {
    this.#steps = steps
  }

  /** States after each path's labels; those not known yet are computed together, from the states one label before. */
  async statesOf(paths: readonly SearchPath[]): Promise<PredictionState[]> {
    const missing = new Map<string, SearchPath>()
    for (const path of paths) if (!this.#states.has(path.ids.join())) missing.set(path.ids.join(), path)
    if (missing.has('')) {
      this.#states.set('', await this.#steps.start())
      missing.delete('')
    }
    if (missing.size > 0) {
      const wanted = [...missing.values()]
      const before = await this.statesOf(wanted.map((path) => ({ ...path, ids: path.ids.slice(0, -1) })))
      const states = await this.#steps.predict(
        wanted.map(({ ids }) => ids.at(-1)!),
        before,
      )
      for (const [i, key] of [...missing.keys()].entries()) this.#states.set(key, states[i]!)
    }
    return paths.map(({ ids }) => this.#states.get(ids.join())!)
  }
}

/** The `count` best labels of a row of log-probabilities, the blank left out; the first of equals wins. */
export function bestLabels(row: Float32Array, blank: number, count: number): number[] {
  const labels = Array.from(row.keys()).filter((id) => id !== blank)
  return labels.sort((a, b) => row[b]! - row[a]!).slice(0, count)
}

/**
 * Finished paths, best first.
 *
 * @param normalize - Order by score per label, where the start counts as one, as NeMo does. Scores stay as they are.
 */
export function rankPaths(paths: readonly SearchPath[], normalize: boolean): TransducerHypothesis[] {
  const rank = ({ score, ids }: SearchPath) => (normalize ? score / (ids.length + 1) : score)
  return [...paths].sort((a, b) => rank(b) - rank(a))
}
