import type { NGramLanguageModel } from '../languageModels/nGramLanguageModel.js'
import type { NGramState } from '../languageModels/nGramState.js'

/** What a language model says of one more word. */
export interface LanguageModelStep<State> {
  /** ln P(word | history) */
  readonly logProb: number
  /** The history with the word. */
  readonly state: State
}

/** A language model for a search. `State` is the history, such as the last n - 1 words. */
export interface SearchLanguageModel<State = unknown> {
  /** The history at the start of a sentence. */
  start(): State
  score(state: State, word: string): LanguageModelStep<State>
  /** ln P(end of the sentence | history), if it counts. */
  end?(state: State): number
  /** Words that the model knows, if what cannot become one of them is to be held back while it is spelt. */
  readonly words?: readonly string[]
  /** ln P added for the beginning of a word that none of `words` has. Default: none. */
  unknownBeginning?(beginning: string): number
}

/** Options of `nGramSearchModel`. */
export interface NGramSearchOptions {
  /**
   * ln P added for each unknown word, and for beginnings of words that no known word has; for those of more than 6 letters,
   * so many sixths of it, lest words run together. Default 0.
   */
  readonly unknownScore?: number
  /** Count the end of the sentence. Default false. */
  readonly scoreEnd?: boolean
}

/** Letters of a word of common length. Source: pyctcdecode. */
const COMMON_LENGTH = 6

/** An n-gram model as a search asks it. */
export function nGramSearchModel(
  model: NGramLanguageModel,
  { unknownScore = 0, scoreEnd = false }: NGramSearchOptions = {},
): SearchLanguageModel<NGramState> {
  const words = unknownScore === 0 ? undefined : model.words()
  const end = model.index('</s>')
  const scratch = model.newState()
  const unknown = (word: string): number => unknownScore * Math.max(1, word.length / COMMON_LENGTH)
  return {
    start: () => model.beginState,
    score(state, word) {
      const next = model.newState()
      const id = model.index(word)
      const logProb = Math.LN10 * model.scoreWord(state, id, next)
      return { logProb: id === 0 ? logProb + unknown(word) : logProb, state: next }
    },
    ...(scoreEnd && { end: (state: NGramState) => Math.LN10 * model.scoreWord(state, end, scratch) }),
    ...(words && { words, unknownBeginning: unknown }),
  }
}
