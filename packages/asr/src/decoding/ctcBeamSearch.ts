import { logAddExp } from './logAddExp.js'

/** What a language model says of one more word. */
export interface LanguageModelStep<State> {
  /** ln P(word | history) */
  readonly logProb: number
  /** The history with the word. */
  readonly state: State
}

/** A word-level language model for a search. `State` is the history, such as the last n - 1 words. */
export interface SearchLanguageModel<State = unknown> {
  /** The history at the start of a sentence. */
  start(): State
  score(state: State, word: string): LanguageModelStep<State>
}

/** Options of `ctcBeamSearch`. */
export interface CtcBeamSearchOptions<State = unknown> {
  /** Index of the blank. */
  readonly blank: number
  /** Prefixes kept after each frame. Default 100. */
  readonly beamWidth?: number
  /** Classes of a frame less probable than this (ln P) are not tried. Default: all are tried. */
  readonly minLogProb?: number
  /** Text of each label, for the language model and the count of words. */
  readonly labels?: readonly string[]
  readonly languageModel?: SearchLanguageModel<State>
  /** Weight of the language model's ln P. Default 1. */
  readonly alpha?: number
  /** Added for each word. Default 0. */
  readonly beta?: number
}

/** What a search found. */
export interface CtcHypothesis {
  readonly ids: readonly number[]
  /** ln P of the labels over all alignments. */
  readonly acousticScore: number
  /** acousticScore + alpha * ln P of the words + beta * words; complete words and the last one count. */
  readonly score: number
}

interface Prefix<State> {
  readonly ids: readonly number[]
  /** ln P of alignments that end with a blank, and with the last label. */
  ended: number
  open: number
  /** Score of the words that are complete. */
  readonly words: number
  /** History after them. */
  readonly state: State | undefined
  /** The word that is being spelt. */
  readonly word: string
}

/**
 * Prefix beam search for CTC: probabilities of all alignments of a label sequence are added up, words are weighed by a
 * language model when they end.
 *
 * @param logProbs - `[T, C]`, ln P of each class per frame.
 * @returns hypotheses, best first.
 *
 * Source: Graves & Jaitly 2014; Hannun et al. 2014.
 */
export function ctcBeamSearch<State>(
  logProbs: { readonly shape: readonly number[]; readonly data: ArrayLike<number | bigint> },
  options: CtcBeamSearchOptions<State>,
): CtcHypothesis[] {
  const { blank, beamWidth = 100, minLogProb = Number.NEGATIVE_INFINITY } = options
  const [frames, classes] = logProbs.shape as readonly [number, number]
  const words = new WordScorer(options)
  let beam: Prefix<State>[] = [
    { ids: [], ended: 0, open: Number.NEGATIVE_INFINITY, words: 0, state: words.start(), word: '' },
  ]
  for (let t = 0; t < frames; t++) {
    const next = new Map<string, Prefix<State>>()
    for (const prefix of beam) {
      const total = logAddExp(prefix.ended, prefix.open)
      for (let c = 0; c < classes; c++) {
        const p = Number(logProbs.data[t * classes + c])
        if (p < minLogProb || p === Number.NEGATIVE_INFINITY) continue
        if (c === blank) addMass(next, prefix, 'ended', total + p)
        else if (c === prefix.ids.at(-1)) {
          addMass(next, prefix, 'open', prefix.open + p)
          addMass(next, words.extend(prefix, c), 'open', prefix.ended + p)
        } else addMass(next, words.extend(prefix, c), 'open', total + p)
      }
    }
    beam = [...next.values()].sort((a, b) => words.rank(b) - words.rank(a)).slice(0, beamWidth)
  }
  return beam
    .map((prefix) => ({
      ids: prefix.ids,
      acousticScore: logAddExp(prefix.ended, prefix.open),
      score: words.rank(prefix),
    }))
    .sort((a, b) => b.score - a.score)
}

function addMass<State>(
  beam: Map<string, Prefix<State>>,
  prefix: Prefix<State>,
  part: 'ended' | 'open',
  logProb: number,
): void {
  if (logProb === Number.NEGATIVE_INFINITY) return
  const key = prefix.ids.join()
  const known = beam.get(key)
  if (known) known[part] = logAddExp(known[part], logProb)
  else {
    const none = { ended: Number.NEGATIVE_INFINITY, open: Number.NEGATIVE_INFINITY }
    beam.set(key, { ...prefix, ...none, [part]: logProb })
  }
}

/** Counts and weighs words as prefixes grow. */
class WordScorer<State> {
  readonly #options: CtcBeamSearchOptions<State>
  readonly #extended = new Map<string, Prefix<State>>()

  constructor(options: CtcBeamSearchOptions<State>) {
    this.#options = options
  }

  start(): State | undefined {
    return this.#options.languageModel?.start()
  }

  /** The prefix with one more label; its masses are not set. */
  extend(prefix: Prefix<State>, label: number): Prefix<State> {
    const ids = [...prefix.ids, label]
    const key = ids.join()
    const known = this.#extended.get(key)
    if (known) return known
    const made = this.#spell({ ...prefix, ids }, this.#options.labels?.[label] ?? '')
    this.#extended.set(key, made)
    return made
  }

  #spell(prefix: Prefix<State>, text: string): Prefix<State> {
    let { words, state, word } = prefix
    for (const character of text) {
      if (character.trim() !== '') word += character
      else if (word !== '') {
        const step = this.#weigh(state, word)
        words += step.score
        state = step.state
        word = ''
      }
    }
    return { ...prefix, words, state, word }
  }

  #weigh(state: State | undefined, word: string): { score: number; state: State | undefined } {
    const { languageModel, alpha = 1, beta = 0 } = this.#options
    if (!languageModel) return { score: beta, state }
    const step = languageModel.score(state as State, word)
    return { score: alpha * step.logProb + beta, state: step.state }
  }

  /** The prefix's score if it ended here. */
  rank(prefix: Prefix<State>): number {
    const acoustic = logAddExp(prefix.ended, prefix.open) + prefix.words
    return prefix.word === '' ? acoustic : acoustic + this.#weigh(prefix.state, prefix.word).score
  }
}
