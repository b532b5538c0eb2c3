import {
  BeamSearchDecoderWithLM,
  type BeamSearchDecoderWithLMConfig,
  type CtcHypothesis,
  collapseCtc,
  countErrors,
  type EncDecCTCModel,
  type NGramLanguageModel,
} from '@nemo/asr'
import type { HeardUtterance } from './heardUtterances.js'

/** Error rates of a search over some utterances. */
export interface SearchErrors {
  readonly wer: number
  readonly cer: number
  /** Of the best of each utterance's hypotheses. */
  readonly bestWer: number
  /** Seconds of searching. */
  readonly seconds: number
}

/** Error rates of texts. */
export function errorRates(texts: readonly string[], references: readonly string[]): { wer: number; cer: number } {
  const rate = (useCer: boolean): number => {
    const counts = texts.map((text, i) => countErrors(text, references[i]!, useCer))
    return counts.reduce((sum, { errors }) => sum + errors, 0) / counts.reduce((sum, { units }) => sum + units, 0)
  }
  return { wer: rate(false), cer: rate(true) }
}

/** Texts of the most probable alignments. */
export function greedyTexts(model: EncDecCTCModel, heard: readonly HeardUtterance[]): string[] {
  return heard.map(({ logProbs }) => {
    const [frames, classes] = logProbs.shape as readonly [number, number]
    const data = logProbs.data as Float32Array
    const path = Array.from({ length: frames }, (_, t) => {
      let best = 0
      for (let c = 1; c < classes; c++) if (data[t * classes + c]! > data[t * classes + best]!) best = c
      return best
    })
    return model.vocabulary.idsToText(collapseCtc(path, model.blank).map(({ id }) => id)).trim()
  })
}

/** Searches all utterances and counts errors. `take` gets the hypotheses of each, best first. */
export function searchErrors(
  config: BeamSearchDecoderWithLMConfig,
  languageModel: NGramLanguageModel | undefined,
  heard: readonly HeardUtterance[],
  take: (hypotheses: readonly CtcHypothesis[], utterance: HeardUtterance) => void = () => undefined,
): SearchErrors {
  const decoder = new BeamSearchDecoderWithLM(config, languageModel)
  const started = performance.now()
  const found = heard.map(({ logProbs }) => decoder.decode(logProbs))
  const seconds = (performance.now() - started) / 1000
  const references = heard.map(({ reference }) => reference)
  const best = found.map((hypotheses, i) => {
    take(hypotheses, heard[i]!)
    const errors = ({ text }: CtcHypothesis) => countErrors(text, references[i]!).errors
    return hypotheses.reduce((least, each) => (errors(each) < errors(least) ? each : least)).text
  })
  const { wer, cer } = errorRates(
    found.map(([first]) => first!.text),
    references,
  )
  return { wer, cer, bestWer: errorRates(best, references).wer, seconds }
}

/** A share as percent. */
export const percent = (share: number): string => `${(100 * share).toFixed(2)} %`
