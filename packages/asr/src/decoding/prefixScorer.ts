import { PrefixNode } from './prefixTree.js'
import type { SearchLanguageModel } from './searchLanguageModel.js'
import { WordPrefixes } from './wordPrefixes.js'

/** How prefixes are weighed. */
export interface PrefixScoring<State> {
  /** Text of each label; spaces separate words. */
  readonly labels: readonly string[]
  readonly languageModel: SearchLanguageModel<State> | undefined
  /** What the language model calls each label, if it is one of labels and not of words. */
  readonly tokens: readonly string[] | undefined
  readonly alpha: number
  readonly beta: number
  readonly hotWords: ReadonlyMap<string, number>
}

/** Weighs words, tokens and hot words as prefixes grow by one label. */
export class PrefixScorer<State> {
  readonly #scoring: PrefixScoring<State>
  readonly #prefixes: WordPrefixes | undefined
  /** Score of a letter of the beginning of a hot word. */
  readonly #hotBeginnings = new Map<string, number>()

  constructor(scoring: PrefixScoring<State>) {
    this.#scoring = scoring
    const { languageModel, tokens, hotWords } = scoring
    if (languageModel?.words && tokens === undefined) this.#prefixes = WordPrefixes.of(languageModel.words)
    for (const [word, weight] of hotWords) {
      for (let end = 1; end <= word.length; end++) {
        const beginning = word.slice(0, end)
        const share = (weight * end) / word.length
        this.#hotBeginnings.set(beginning, Math.max(share, this.#hotBeginnings.get(beginning) ?? share))
      }
    }
  }

  /** The empty prefix. */
  root(): PrefixNode<State> {
    const root = new PrefixNode<State>(
      undefined,
      -1,
      0,
      0,
      this.#scoring.languageModel?.start(),
      '',
      this.#prefixes?.all,
    )
    root.ended = 0
    root.live = true
    return root
  }

  /** A prefix with one more label. */
  extend(parent: PrefixNode<State>, label: number): PrefixNode<State> {
    const { labels, languageModel, tokens, alpha, beta } = this.#scoring
    let { words, state, word, range } = parent
    if (tokens && languageModel) {
      const step = languageModel.score(state as State, tokens[label]!)
      words += alpha * step.logProb + beta
      state = step.state
    }
    const text = labels[label] ?? ''
    let from = 0
    for (let i = 0; i <= text.length; i++) {
      const space = i < text.length && text.charCodeAt(i) === 32
      if (i < text.length && !space) continue
      const part = text.slice(from, i)
      if (part !== '') {
        word += part
        if (range) range = this.#prefixes!.extend(range, part)
      }
      if (space && word !== '') {
        const done = this.#complete(state, word)
        words += done.score
        state = done.state
        word = ''
        range = this.#prefixes?.all
      }
      from = i + 1
    }
    return new PrefixNode(parent, label, words, this.#pending(word, range), state, word, range)
  }

  /** Score of a prefix's words if it ended here. */
  final(node: PrefixNode<State>): number {
    let score = node.words
    let { state } = node
    if (node.word !== '') {
      const done = this.#complete(state, node.word)
      score += done.score
      state = done.state
    }
    const { languageModel, alpha } = this.#scoring
    return languageModel?.end ? score + alpha * languageModel.end(state as State) : score
  }

  #complete(state: State | undefined, word: string): { score: number; state: State | undefined } {
    const { languageModel, tokens, alpha, beta, hotWords } = this.#scoring
    const hot = hotWords.get(word) ?? 0
    if (tokens) return { score: hot, state }
    if (!languageModel) return { score: hot + beta, state }
    const step = languageModel.score(state as State, word)
    return { score: hot + alpha * step.logProb + beta, state: step.state }
  }

  #pending(word: string, range: PrefixNode<State>['range']): number {
    if (word === '') return 0
    const hot = this.#hotBeginnings.size > 0 ? (this.#hotBeginnings.get(word) ?? 0) : 0
    if (!range || range.from < range.to || hot > 0) return hot
    return this.#scoring.alpha * (this.#scoring.languageModel?.unknownBeginning?.(word) ?? 0)
  }
}
