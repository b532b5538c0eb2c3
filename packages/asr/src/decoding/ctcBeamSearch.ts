import { AsrError } from '../errors.js'
import { logAddExp } from './logAddExp.js'
import { PrefixScorer } from './prefixScorer.js'
import type { PrefixNode } from './prefixTree.js'
import type { SearchLanguageModel } from './searchLanguageModel.js'

/** Options of `ctcBeamSearch`. */
export interface CtcBeamSearchOptions<State = unknown> {
  /** Index of the blank. */
  readonly blank: number
  /** Prefixes kept after each frame. Default 100. */
  readonly beamWidth?: number
  /** Classes of a frame less probable than this (ln P) are not tried, but the most probable always is. Default: all are tried. */
  readonly minLogProb?: number
  /** Most classes tried in a frame, the most probable first. Default: all. */
  readonly cutoffTopN?: number
  /** Classes of a frame are tried until their probabilities reach this. Default 1. */
  readonly cutoffProb?: number
  /** Prefixes whose score is so much below the best one's (a negative number) are dropped. Default: none. */
  readonly beamPruneLogProb?: number
  /** Text of each label, with a space where words meet, for the language model, words and their times. */
  readonly labels?: readonly string[]
  readonly languageModel?: SearchLanguageModel<State>
  /** What the language model calls each label, if it is a model of labels (characters, sub-words). Default: it is of words. */
  readonly tokens?: readonly string[]
  /** Weight of the language model's ln P. Default 1. */
  readonly alpha?: number
  /** Added for each word; for each label if the model is of labels. Default 0. */
  readonly beta?: number
  /** Words to be heard rather than others. */
  readonly hotWords?: Iterable<string>
  /** Added to the score (ln P) for each hot word; a part of it for a beginning of one. Default 10. */
  readonly hotWordWeight?: number
  /** Hypotheses returned. Default: all in the beam. */
  readonly nBest?: number
}

/** A word and the frames in which it is heard. */
export interface WordFrames {
  readonly word: string
  /** First frame. */
  readonly start: number
  /** Frame after the last. */
  readonly end: number
}

/** What a search found. */
export interface CtcHypothesis {
  readonly ids: readonly number[]
  /** Words one space apart, if the labels were given. */
  readonly text: string
  /** ln P of the labels over all alignments. */
  readonly acousticScore: number
  /** acousticScore + alpha * ln P of the words + beta * words + hot words; complete words and the last one count. */
  readonly score: number
  /** The words with their times, found when they are asked for. */
  readonly words: readonly WordFrames[]
}

/** Log-probabilities `[T, C]`. */
export interface FrameLogProbs {
  readonly shape: readonly number[]
  readonly data: ArrayLike<number | bigint>
}

const NOTHING = Number.NEGATIVE_INFINITY

/**
 * Prefix beam search for CTC: probabilities of all alignments of a label sequence are added up; a language model weighs words
 * when they end, or labels as they come.
 *
 * @param logProbs - `[T, C]`, ln P of each class per frame.
 * @returns hypotheses, best first.
 * @throws AsrError for a shape that is not `[T, C]` or a blank or label that is no class.
 *
 * Source: Graves & Jaitly 2014; Hannun et al. 2014.
 */
export function ctcBeamSearch<State>(logProbs: FrameLogProbs, options: CtcBeamSearchOptions<State>): CtcHypothesis[] {
  const search = new CtcBeamSearch(options)
  search.push(logProbs)
  return search.hypotheses()
}

/** The same search, frames given as they come. */
export class CtcBeamSearch<State = unknown> {
  readonly #options: Required<
    Pick<CtcBeamSearchOptions, 'blank' | 'beamWidth' | 'minLogProb' | 'cutoffTopN' | 'cutoffProb' | 'beamPruneLogProb'>
  > &
    CtcBeamSearchOptions<State>
  readonly #scorer: PrefixScorer<State>
  #beam: PrefixNode<State>[]
  #frame = 0
  #classes: number[] = []
  #probs: number[] = []
  #touched: PrefixNode<State>[] = []

  /** @throws RangeError for a beam that is not at least 1 wide. */
  constructor(options: CtcBeamSearchOptions<State>) {
    const { beamWidth = 100, minLogProb = NOTHING, cutoffProb = 1 } = options
    const { cutoffTopN = Number.POSITIVE_INFINITY, beamPruneLogProb = NOTHING } = options
    if (!(beamWidth >= 1)) throw new RangeError(`beamWidth: expected at least 1, found ${beamWidth}.`)
    if (!(beamPruneLogProb <= 0))
      throw new RangeError(`beamPruneLogProb: expected at most 0, found ${beamPruneLogProb}.`)
    this.#options = { ...options, beamWidth, minLogProb, cutoffTopN, cutoffProb, beamPruneLogProb }
    const { hotWords = [], hotWordWeight = 10, languageModel, tokens, alpha = 1, beta = 0, labels = [] } = options
    const hot = [...hotWords].flatMap((text) => text.split(' ').filter((word) => word !== ''))
    this.#scorer = new PrefixScorer({
      labels,
      languageModel,
      tokens,
      alpha,
      beta,
      hotWords: new Map(hot.map((word) => [word, hotWordWeight])),
    })
    this.#beam = [this.#scorer.root()]
  }

  /** Reads the next frames. */
  push({ shape, data }: FrameLogProbs): void {
    const [frames, classes] = shape
    const { blank, labels } = this.#options
    if (shape.length !== 2 || (frames! > 0 && (blank >= classes! || (labels && labels.length > classes!)))) {
      const found = `[${shape.join(', ')}] with the blank ${blank}${labels ? ` and ${labels.length} labels` : ''}`
      throw new AsrError('NEMO_ASR_SHAPE', `ctcBeamSearch: expected log-probabilities [T, labels + 1], found ${found}.`)
    }
    for (let t = 0; t < frames!; t++) this.#read(data, t * classes!, classes!)
  }

  #read(data: FrameLogProbs['data'], start: number, classes: number): void {
    this.#choose(data, start, classes)
    const { blank, beamPruneLogProb } = this.#options
    const [labels, probs] = [this.#classes, this.#probs]
    const beam = this.#beam
    const previous = beam.length
    this.#touched = []
    let best = NOTHING
    for (let b = 0; b < previous; b++) {
      const node = beam[b]!
      const total = logAddExp(node.ended, node.open)
      for (let k = 0; k < labels.length; k++) {
        const label = labels[k]!
        const p = probs[k]!
        if (label === blank) {
          this.#touch(node)
          node.nextEnded = logAddExp(node.nextEnded, total + p)
          const rank = total + p + node.words + node.pending
          if (rank > best) best = rank
          continue
        }
        let mass = total
        if (label === node.label) {
          if (node.open > NOTHING) {
            this.#touch(node)
            node.nextOpen = logAddExp(node.nextOpen, node.open + p)
          }
          mass = node.ended
        }
        mass += p
        if (mass === NOTHING) continue
        let child = node.children?.get(label)
        if (child === undefined) {
          // Not worth a node: even without the language model it is too far behind.
          if (mass + node.words + Math.max(0, node.pending) < best + beamPruneLogProb && !this.#mayGain) continue
          child = this.#scorer.extend(node, label)
          node.children ??= new Map()
          node.children.set(label, child)
        }
        this.#touch(child)
        child.nextOpen = logAddExp(child.nextOpen, mass)
        if (mass > child.frameScore) {
          child.frameScore = mass
          child.frame = this.#frame
        }
        const rank = mass + child.words + child.pending
        if (rank > best) best = rank
      }
    }
    this.#keepBest()
    this.#frame++
  }

  // Hot words and a positive weight per word can lift what is behind.
  get #mayGain(): boolean {
    return this.#options.hotWords !== undefined || (this.#options.beta ?? 0) > 0
  }

  #touch(node: PrefixNode<State>): void {
    if (node.touched === this.#frame) return
    node.touched = this.#frame
    node.nextEnded = NOTHING
    node.nextOpen = NOTHING
    this.#touched.push(node)
  }

  // The classes of a frame that are tried, most probable first.
  #choose(data: FrameLogProbs['data'], start: number, classes: number): void {
    const { minLogProb, cutoffTopN, cutoffProb } = this.#options
    const labels: number[] = []
    let most = 0
    for (let c = 0; c < classes; c++) {
      const p = Number(data[start + c])
      if (p > Number(data[start + most])) most = c
      if (p >= minLogProb && p > NOTHING) labels.push(c)
    }
    if (labels.length === 0 && Number(data[start + most]) > NOTHING) labels.push(most)
    labels.sort((a, b) => Number(data[start + b]) - Number(data[start + a]))
    if (labels.length > cutoffTopN) labels.length = Math.max(1, cutoffTopN)
    const probs = labels.map((c) => Number(data[start + c]))
    if (cutoffProb < 1) {
      let sum = 0
      let kept = 0
      while (kept < labels.length && sum < cutoffProb) sum += Math.exp(probs[kept++]!)
      labels.length = kept
      probs.length = kept
    }
    this.#classes = labels
    this.#probs = probs
  }

  #keepBest(): void {
    const { beamWidth, beamPruneLogProb } = this.#options
    const touched = this.#touched
    let best = NOTHING
    for (const node of touched) {
      const rank = logAddExp(node.nextEnded, node.nextOpen) + node.words + node.pending
      node.rank = rank
      if (rank > best) best = rank
    }
    let least = best + beamPruneLogProb
    if (touched.length > beamWidth) {
      const ranks = Float64Array.from(touched, ({ rank }) => rank).sort()
      least = Math.max(least, ranks[ranks.length - beamWidth]!)
    }
    const kept: PrefixNode<State>[] = []
    for (const node of touched) if (node.rank >= least && node.rank > NOTHING) kept.push(node)
    kept.sort((a, b) => b.rank - a.rank)
    if (kept.length > beamWidth) kept.length = beamWidth
    for (const node of this.#beam) node.live = false
    for (const node of kept) {
      node.live = true
      node.ended = node.nextEnded
      node.open = node.nextOpen
    }
    const drop = (node: PrefixNode<State>): void => {
      if (node.live) return
      node.ended = NOTHING
      node.open = NOTHING
      node.frameScore = NOTHING
      node.unlink()
    }
    const old = this.#beam
    this.#beam = kept
    for (const node of touched) drop(node)
    for (const node of old) drop(node)
  }

  /** What was found up to the last frame, best first. */
  hypotheses(): CtcHypothesis[] {
    return this.#beam
      .map((node) => ({
        node,
        acousticScore: logAddExp(node.ended, node.open),
        score: logAddExp(node.ended, node.open) + this.#scorer.final(node),
      }))
      .sort((a, b) => b.score - a.score)
      .slice(0, this.#options.nBest)
      .map(({ node, acousticScore, score }) => new Found(node.path(), acousticScore, score, this.#options.labels))
  }
}

class Found implements CtcHypothesis {
  readonly ids: readonly number[]
  readonly text: string
  readonly acousticScore: number
  readonly score: number
  readonly #frames: readonly number[]
  readonly #labels: readonly string[] | undefined

  constructor(
    path: readonly { readonly label: number; readonly frame: number }[],
    acousticScore: number,
    score: number,
    labels: readonly string[] | undefined,
  ) {
    this.ids = path.map(({ label }) => label)
    this.#frames = path.map(({ frame }) => frame)
    this.#labels = labels
    this.acousticScore = acousticScore
    this.score = score
    const spelt = labels ? this.ids.map((id) => labels[id] ?? '').join('') : ''
    this.text = spelt
      .split(' ')
      .filter((word) => word !== '')
      .join(' ')
  }

  get words(): readonly WordFrames[] {
    const words: { word: string; start: number; end: number }[] = []
    let open = false
    this.ids.forEach((id, i) => {
      const frame = this.#frames[i]!
      for (const character of this.#labels?.[id] ?? '') {
        if (character === ' ') {
          open = false
          continue
        }
        if (!open) words.push({ word: '', start: frame, end: frame + 1 })
        open = true
        const word = words.at(-1)!
        word.word += character
        word.end = frame + 1
      }
    })
    return words
  }
}
