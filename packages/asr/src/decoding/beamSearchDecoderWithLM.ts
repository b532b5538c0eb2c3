import { loadLanguageModel } from '../languageModels/loadLanguageModel.js'
import type { NGramLanguageModel } from '../languageModels/nGramLanguageModel.js'
import { type CtcHypothesis, ctcBeamSearch, type FrameLogProbs } from './ctcBeamSearch.js'
import { nGramSearchModel } from './searchLanguageModel.js'

/** Config of `BeamSearchDecoderWithLM`; keys as in NeMo, those from `token_min_logp` on are ours. */
export interface BeamSearchDecoderWithLMConfig {
  /** Labels with `▁` (or a space) where words meet: a model's `vocabulary.symbols`. The blank comes after them. */
  readonly vocab: readonly string[]
  readonly beam_width: number
  /** Weight of the language model. */
  readonly alpha: number
  /** Added for each word (for each label with a model of labels). */
  readonly beta: number
  /** An n-gram model. Default none. */
  readonly lm_path?: string | null
  /** Classes of a frame are tried until their probabilities reach this. Default 1. */
  readonly cutoff_prob?: number
  /** Most classes tried in a frame. Default 40. */
  readonly cutoff_top_n?: number
  /**
   * What the model's words are: `word`; `token` for labels, each written as NeMo does, one character of code 100 + id
   * for sub-words and the character itself, `▁` for the space, for characters. Default `auto`: labels if no word of the model is longer than one character.
   */
  readonly lm_level?: 'word' | 'token' | 'auto'
  /** ln P below which classes are not tried. Default: none. */
  readonly token_min_logp?: number
  /** Prefixes so far below the best (ln P, negative) are dropped. Default: none. */
  readonly beam_prune_logp?: number
  /** ln P added for each unknown word, more for long ones; see `NGramSearchOptions`. Default 0. */
  readonly unk_score_offset?: number
  readonly hotwords?: readonly string[]
  /** Default 10. */
  readonly hotword_weight?: number
  /** Count the end of the sentence. Default false. */
  readonly score_eos?: boolean
  /** Hypotheses of each utterance. Default: all in the beam. */
  readonly n_best?: number
}

/** Code of sub-word 0 in models of labels. NeMo leaves room for control characters and blanks. */
const TOKEN_OFFSET = 100

/**
 * CTC beam search with an n-gram model under NeMo's name and with its keys.
 *
 * Source: NeMo v1.0.0 `BeamSearchDecoderWithLM` and `eval_beamsearch_ngram.py`. Scores are ln P; NeMo's external decoder
 * divides nothing by lengths either.
 */
export class BeamSearchDecoderWithLM {
  readonly config: BeamSearchDecoderWithLMConfig
  readonly #search: Omit<Parameters<typeof ctcBeamSearch>[1], 'blank'> & { blank: number }

  /** @param languageModel - The model of `lm_path`, if it has been read already. */
  constructor(config: BeamSearchDecoderWithLMConfig, languageModel?: NGramLanguageModel) {
    this.config = config
    const { vocab, unk_score_offset = 0, score_eos = false, lm_level = 'auto' } = config
    const subWords = vocab.some((label) => [...label].length > 1)
    const byLabel =
      languageModel !== undefined && (lm_level === 'token' || (lm_level === 'auto' && isOfLabels(languageModel)))
    const model =
      languageModel && nGramSearchModel(languageModel, { unknownScore: unk_score_offset, scoreEnd: score_eos })
    this.#search = {
      blank: vocab.length,
      labels: vocab.map((label) => label.replaceAll('▁', ' ')),
      beamWidth: config.beam_width,
      alpha: config.alpha,
      beta: config.beta,
      cutoffTopN: config.cutoff_top_n ?? 40,
      cutoffProb: config.cutoff_prob ?? 1,
      hotWords: config.hotwords ?? [],
      hotWordWeight: config.hotword_weight ?? 10,
      ...(config.token_min_logp !== undefined && { minLogProb: config.token_min_logp }),
      ...(config.beam_prune_logp !== undefined && { beamPruneLogProb: config.beam_prune_logp }),
      ...(config.n_best !== undefined && { nBest: config.n_best }),
      ...(model && { languageModel: model as NonNullable<Parameters<typeof ctcBeamSearch>[1]['languageModel']> }),
      ...(byLabel && {
        tokens: vocab.map((label, id) => (subWords ? subWordToken(id) : label.replace(' ', '▁'))),
      }),
    }
  }

  /** Makes a decoder, and reads the model of `lm_path`. @throws LanguageModelFileError */
  static async load(config: BeamSearchDecoderWithLMConfig): Promise<BeamSearchDecoderWithLM> {
    const { lm_path } = config
    return new BeamSearchDecoderWithLM(config, lm_path ? await loadLanguageModel(lm_path) : undefined)
  }

  /** Hypotheses of an utterance from its log-probabilities `[T, labels + 1]`, best first. */
  decode(logProbs: FrameLogProbs): CtcHypothesis[] {
    return ctcBeamSearch(logProbs, this.#search)
  }
}

/** What models of sub-words call a sub-word: one character, as NeMo has it. */
export const subWordToken = (id: number): string => String.fromCodePoint(TOKEN_OFFSET + id)

// As NeMo's external decoder finds out.
function isOfLabels(model: NGramLanguageModel): boolean {
  return model.words()?.every((word) => /^<.*>$/.test(word) || [...word].length <= 1) ?? false
}
