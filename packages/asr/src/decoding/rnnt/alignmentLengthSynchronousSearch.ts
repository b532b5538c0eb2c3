import { logAddExp } from '../logAddExp.js'
import { bestLabels, emptyPath, PredictionCache, type SearchPath, withLabel } from './searchPath.js'
import type { EncodedFrames, TransducerSteps } from './transducerSteps.js'

// Scores change where paths merge.
interface Path extends SearchPath {
  score: number
}

/** Options of alignment-length synchronous search. */
export interface AlignmentLengthOptions {
  /** Labels at most, per frame or in all. */
  readonly maxTargetLength: number
  /** Whether `maxTargetLength` is per frame. Default true. */
  readonly perFrame?: boolean
  /**
   * Reproduces NeMo 1.0 with its mistakes: the first frame is left out, and merged paths stay in the beam beside the one
   * that has their sum. Default false.
   */
  readonly likeNemo1?: boolean
}

/**
 * Alignment-length synchronous decoding: all paths of a step have the same number of frames plus labels; those that say
 * the same are merged. Timesteps count frames and labels.
 *
 * Source: NeMo v1.0.0 `BeamRNNTInfer.align_length_sync_decoding`; Saon, Tueske & Audhkhasi 2020.
 */
export async function alignmentLengthSynchronousSearch(
  steps: TransducerSteps,
  frames: EncodedFrames,
  vocabSize: number,
  beamSize: number,
  options: AlignmentLengthOptions,
): Promise<readonly SearchPath[]> {
  const beam = Math.min(beamSize, vocabSize)
  const { maxTargetLength, perFrame = true, likeNemo1 = false } = options
  const firstFrame = likeNemo1 ? 1 : 0
  const maxLabels = Math.trunc(perFrame ? maxTargetLength * frames.length : maxTargetLength)
  const cache = new PredictionCache(steps)
  const finished: Path[] = []
  let kept: Path[] = [{ ...emptyPath }]
  for (let step = 0; step < frames.length + maxLabels; step++) {
    const frameOf = ({ ids }: SearchPath) => step - ids.length + firstFrame
    const active = kept.filter((path) => frameOf(path) < frames.length)
    if (active.length === 0) break
    const states = await cache.statesOf(active)
    const logProbs = await steps.score(active.map((path, n) => ({ frames, from: frameOf(path), state: states[n]! })))
    const classes = logProbs.shape[2]!
    const next: Path[] = []
    for (const [n, path] of active.entries()) {
      const row = (logProbs.data as Float32Array).subarray(n * classes, (n + 1) * classes)
      const ended = { ...path, score: path.score + row[steps.blank]! }
      next.push(ended)
      if (frameOf(path) === frames.length - 1) finished.push(ended)
      for (const id of bestLabels(row, steps.blank, beam)) next.push(withLabel(path, id, step, row[id]!))
    }
    const best = next.sort((a, b) => b.score - a.score).slice(0, beam)
    const distinct = mergeIntoFirst(best)
    kept = likeNemo1 ? best : distinct
  }
  return finished.length > 0 ? finished : kept
}

// The first of the paths with the same labels gets the probability of all. @returns the first ones.
function mergeIntoFirst(paths: readonly Path[]): Path[] {
  const bySequence = new Map<string, Path>()
  for (const path of paths) {
    const first = bySequence.get(path.ids.join())
    if (first) first.score = logAddExp(first.score, path.score)
    else bySequence.set(path.ids.join(), path)
  }
  return [...bySequence.values()]
}
