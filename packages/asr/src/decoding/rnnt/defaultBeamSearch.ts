import { bestLabels, emptyPath, PredictionCache, type SearchPath, withLabel } from './searchPath.js'
import type { EncodedFrames, TransducerSteps } from './transducerSteps.js'

/**
 * Graves' beam search: at each frame the best path is extended by labels and by blank until `beamSize` paths that said
 * blank are better than all that did not. Paths with the same labels are not merged.
 *
 * Source: NeMo v1.0.0 `BeamRNNTInfer.default_beam_search`; Graves 2012.
 */
export async function defaultBeamSearch(
  steps: TransducerSteps,
  frames: EncodedFrames,
  vocabSize: number,
  beamSize: number,
): Promise<readonly SearchPath[]> {
  const beam = Math.min(beamSize, vocabSize)
  const labelsTried = Math.min(beam, vocabSize - 1)
  const cache = new PredictionCache(steps)
  let kept: SearchPath[] = [emptyPath]
  for (let frame = 0; frame < frames.length; frame++) {
    const open = kept
    kept = []
    for (;;) {
      const path = open.splice(bestIndex(open), 1)[0]!
      const [state] = await cache.statesOf([path])
      const row = (await steps.score([{ frames, from: frame, state: state! }])).data as Float32Array
      for (const id of bestLabels(row, steps.blank, labelsTried)) open.push(withLabel(path, id, frame, row[id]!))
      kept.push({ ...path, score: path.score + row[steps.blank]! })
      const limit = open[bestIndex(open)]?.score ?? Number.NEGATIVE_INFINITY
      const better = kept.filter(({ score }) => score > limit)
      if (better.length >= beam) {
        kept = better.sort((a, b) => a.score - b.score)
        break
      }
    }
  }
  return kept
}

const bestIndex = (paths: readonly SearchPath[]): number =>
  paths.reduce((best, { score }, i) => (score > paths[best]!.score ? i : best), 0)
