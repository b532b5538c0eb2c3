import { logAddExp } from '../logAddExp.js'
import { bestLabels, emptyPath, PredictionCache, type SearchPath, withLabel } from './searchPath.js'
import type { EncodedFrames, TransducerSteps } from './transducerSteps.js'

/**
 * Time-synchronous decoding: at each frame all paths grow label by label, `maxExpansions` times at most; paths that say
 * blank after the same labels are merged.
 *
 * Source: NeMo v1.0.0 `BeamRNNTInfer.time_sync_decoding`; Saon, Tueske & Audhkhasi 2020.
 */
export async function timeSynchronousSearch(
  steps: TransducerSteps,
  frames: EncodedFrames,
  vocabSize: number,
  beamSize: number,
  maxExpansions: number,
): Promise<readonly SearchPath[]> {
  const beam = Math.min(beamSize, vocabSize)
  const cache = new PredictionCache(steps)
  let kept: SearchPath[] = [emptyPath]
  for (let frame = 0; frame < frames.length; frame++) {
    const ended = new Map<string, SearchPath>()
    let growing = kept
    for (let expansion = 0; expansion < maxExpansions; expansion++) {
      const states = await cache.statesOf(growing)
      const logProbs = await steps.score(states.map((state) => ({ frames, from: frame, state })))
      const classes = logProbs.shape[2]!
      const grown: SearchPath[] = []
      for (const [n, path] of growing.entries()) {
        const row = (logProbs.data as Float32Array).subarray(n * classes, (n + 1) * classes)
        const [key, score] = [path.ids.join(), path.score + row[steps.blank]!]
        const same = ended.get(key)
        ended.set(key, same ? { ...same, score: logAddExp(same.score, score) } : { ...path, score })
        for (const id of bestLabels(row, steps.blank, beam)) grown.push(withLabel(path, id, frame, row[id]!))
      }
      growing = grown.sort((a, b) => b.score - a.score).slice(0, beam)
    }
    kept = [...ended.values()].sort((a, b) => b.score - a.score).slice(0, beam)
  }
  return kept
}
