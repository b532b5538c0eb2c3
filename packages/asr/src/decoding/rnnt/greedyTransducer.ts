import type { TensorData } from '@nemo/graph'
import type { TransducerHypothesis } from './hypothesis.js'
import type { EncodedFrames, PredictionState, TransducerSteps } from './transducerSteps.js'

/** Options of greedy search. */
export interface GreedyTransducerOptions {
  /** Labels that one frame can say at most; null for no limit. Default null. */
  readonly maxSymbols?: number | null
}

// Frames that are scored at once; most of them say blank and leave the prediction as it is.
const WINDOW = 8

/** One utterance on its way. */
class GreedyPath {
  readonly ids: number[] = []
  readonly timesteps: number[] = []
  readonly alignments: number[][]
  score = 0
  frame = 0
  #symbols = 0

  constructor(
    readonly frames: EncodedFrames,
    public state: PredictionState,
    readonly maxSymbols: number,
  ) {
    this.alignments = Array.from({ length: frames.length }, () => [])
  }

  get done(): boolean {
    return this.frame >= this.frames.length
  }

  /** Takes the best class at the present frame. @returns whether it is a label. */
  take(best: number, logProb: number, blank: number): boolean {
    this.alignments[this.frame]!.push(best)
    this.score += logProb
    if (best === blank) {
      this.#advance()
      return false
    }
    this.ids.push(best)
    this.timesteps.push(this.frame)
    this.#symbols++
    if (this.#symbols >= this.maxSymbols) this.#advance()
    return true
  }

  #advance(): void {
    this.frame++
    this.#symbols = 0
  }
}

/**
 * Greedy search: at each frame labels are taken until blank is best, or `maxSymbols` are said.
 *
 * Utterances are decoded together and each as if alone. (NeMo's batched search can differ from its own per-item one,
 * because items that begin with blank keep a state that is one step ahead; its alignments of frames that reach the limit
 * run into the next frame's.) Frames are scored several at a time, as blanks do not change the prediction.
 *
 * Source: NeMo v1.0.0 `GreedyRNNTInfer`; Graves 2012.
 */
export async function greedyTransducerDecode(
  steps: TransducerSteps,
  encoded: TensorData,
  lengths: ArrayLike<number | bigint>,
  options: GreedyTransducerOptions = {},
): Promise<TransducerHypothesis[]> {
  const limit = options.maxSymbols ?? Number.POSITIVE_INFINITY
  const utterances = await steps.project(encoded, lengths)
  const start = await steps.start()
  const paths = utterances.map((frames) => new GreedyPath(frames, start, limit))
  for (;;) {
    const active = paths.filter(({ done }) => !done)
    if (active.length === 0)
      return paths.map(({ ids, timesteps, score, alignments }) => ({ ids, timesteps, score, alignments }))
    const width = Math.min(WINDOW, Math.max(...active.map(({ frames, frame }) => frames.length - frame)))
    const logProbs = await steps.score(
      active.map(({ frames, frame, state }) => ({ frames, from: frame, state })),
      width,
    )
    const spoken = active.filter((path, n) => walkWindow(path, logProbs, n, steps.blank))
    if (spoken.length === 0) continue
    const states = await steps.predict(
      spoken.map(({ ids }) => ids.at(-1)!),
      spoken.map(({ state }) => state),
    )
    for (const [i, path] of spoken.entries()) path.state = states[i]!
  }
}

// Walks blanks up to the first label or the window's end. @returns whether there is a label.
function walkWindow(path: GreedyPath, { data, shape }: TensorData, n: number, blank: number): boolean {
  const [, width, classes] = shape as readonly [number, number, number]
  for (let w = 0; w < width && !path.done; w++) {
    const row = (data as Float32Array).subarray((n * width + w) * classes, (n * width + w + 1) * classes)
    const best = row.reduce((at, value, i) => (value > row[at]! ? i : at), 0)
    if (path.take(best, row[best]!, blank)) return true
  }
  return false
}
