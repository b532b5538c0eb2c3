import type { TensorData } from '@nemo/graph'
import { GreedyCtcStream } from '../decoding/greedyCtcStream.js'
import { type TimedToken, type TimedWord, wordsOf } from '../decoding/timedTokens.js'
import type { EncDecCTCModel } from '../models/encDecCTCModel.js'
import { Transcriber } from './transcriber.js'

/** What was recognised in one utterance. */
export interface CtcTranscript {
  readonly text: string
  /** Label ids of the text. */
  readonly ids: readonly number[]
  /** ln P of the best path. */
  readonly score: number
  /** 0 to 1, from the words'; 1 where nothing was said. */
  readonly confidence: number
  readonly tokens: readonly TimedToken[]
  readonly words: readonly TimedWord[]
}

/** What was recognised in one utterance, with the network's output. */
export interface ScoredCtcTranscript extends CtcTranscript {
  /** `[T, labels + 1]` */
  readonly logProbs: TensorData<'float32'>
}

/** Transcribes with a CTC model, by best paths. Features are not padded, as NeMo does here. */
export function ctcTranscriber(model: EncDecCTCModel): Transcriber<ScoredCtcTranscript> {
  return new Transcriber<ScoredCtcTranscript>({
    model,
    padTo: 0,
    draw(inputSignal, inputSignalLength) {
      const { logProbs, encodedLengths } = model.forward({ inputSignal, inputSignalLength } as never)
      return { logprobs: logProbs, encoded_lengths: encodedLengths }
    },
    async unpack({ logprobs, encoded_lengths }, { trimmedSeconds, confidence }) {
      const frameSeconds = await model.frameSeconds()
      const lengths = Array.from(encoded_lengths!.data as BigInt64Array, Number)
      const [, frames, classes] = logprobs!.shape as readonly [number, number, number]
      return lengths.map((length, b): ScoredCtcTranscript => {
        const start = b * frames * classes
        const data = (logprobs!.data as Float32Array).slice(start, start + length * classes)
        const startSeconds = trimmedSeconds[b]!
        const decoder = greedyStream(model, { frameSeconds, startSeconds, ...(confidence && { confidence }) })
        const tokens = [...decoder.push(data), ...decoder.finish()]
        return {
          ...hypothesisText(model, tokens, decoder),
          logProbs: { dtype: 'float32', shape: [length, classes], data },
        }
      })
    },
  })
}

/** A greedy decoder of a model's labels. */
export function greedyStream(
  model: EncDecCTCModel,
  options: Pick<ConstructorParameters<typeof GreedyCtcStream>[0], 'frameSeconds' | 'startSeconds' | 'confidence'>,
): GreedyCtcStream {
  return new GreedyCtcStream({
    ...options,
    classes: model.blank + 1,
    blank: model.blank,
    pieceOf: (id) => model.pieceOf(id),
  })
}

/** What a finished decoder's tokens say. */
export function hypothesisText(
  model: EncDecCTCModel,
  tokens: readonly TimedToken[],
  { measure, score }: GreedyCtcStream,
): CtcTranscript {
  const ids = tokens.map(({ id }) => id)
  const words = wordsOf(tokens, measure.aggregate)
  const confidence = measure.aggregate(words.map((word) => word.confidence))
  return { text: model.idsToText(ids), ids, score, confidence, tokens, words }
}
