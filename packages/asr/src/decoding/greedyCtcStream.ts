import { type ConfidenceConfig, type ConfidenceMeasure, confidenceMeasure } from './confidence.js'
import type { TimedToken } from './timedTokens.js'

/** What a greedy decoder needs to know of a model. */
export interface GreedyCtcOptions {
  /** Classes, the blank included. */
  readonly classes: number
  /** Index of the blank. */
  readonly blank: number
  /** A label's part of the text; where it begins a word, with the space before it. */
  readonly pieceOf: (id: number) => string
  /** Seconds of a frame. */
  readonly frameSeconds: number
  /** Seconds at which the first frame begins. Default 0. */
  readonly startSeconds?: number
  readonly confidence?: ConfidenceConfig
}

/**
 * Best path of CTC on frames that arrive in pieces: equal neighbours merge, blanks go. A token lasts from its first frame to
 * its last one; the blanks after it are nobody's.
 */
export class GreedyCtcStream {
  readonly measure: ConfidenceMeasure
  readonly #options: GreedyCtcOptions
  #frames = 0
  #score = 0
  #open: { readonly id: number; readonly start: number; readonly confidences: number[] } | undefined

  constructor(options: GreedyCtcOptions) {
    this.#options = options
    this.measure = confidenceMeasure(options.confidence ?? {}, options.classes)
  }

  /** Frames so far. */
  get frames(): number {
    return this.#frames
  }

  /** ln P of the best path so far. */
  get score(): number {
    return this.#score
  }

  /**
   * Takes the next frames.
   *
   * @param logProbs - `[frames, classes]`, ln P.
   * @returns the tokens that have ended.
   */
  push(logProbs: ArrayLike<number>): TimedToken[] {
    const { classes, blank } = this.#options
    const ended: TimedToken[] = []
    for (let at = 0; at + classes <= logProbs.length; at += classes) {
      const id = bestClass(logProbs, at, classes)
      this.#score += logProbs[at + id]!
      if (id !== this.#open?.id) ended.push(...this.#close())
      if (id !== blank) {
        this.#open ??= { id, start: this.#frames, confidences: [] }
        this.#open.confidences.push(this.measure.frame(logProbs, at))
      }
      this.#frames++
    }
    return ended
  }

  /** Ends the last token. */
  finish(): TimedToken[] {
    return this.#close()
  }

  #close(): TimedToken[] {
    const open = this.#open
    if (!open) return []
    this.#open = undefined
    const { pieceOf, frameSeconds, startSeconds = 0 } = this.#options
    const { id, start, confidences } = open
    const end = start + confidences.length
    return [
      {
        id,
        text: pieceOf(id),
        startFrame: start,
        endFrame: end,
        start: startSeconds + start * frameSeconds,
        end: startSeconds + end * frameSeconds,
        confidence: this.measure.aggregate(confidences),
      },
    ]
  }
}

function bestClass(logProbs: ArrayLike<number>, at: number, classes: number): number {
  let best = 0
  for (let c = 1; c < classes; c++) if (logProbs[at + c]! > logProbs[at + best]!) best = c
  return best
}
