import type { TensorData } from '@nemo/graph'
import { greedyCtcDecode } from '../decoding/greedyCtc.js'
import type { EncDecCTCModel } from '../models/encDecCTCModel.js'
import { Transcriber } from './transcriber.js'

/** What was recognised in one utterance. */
export interface CtcTranscript {
  readonly text: string
  /** Label ids of the text. */
  readonly ids: readonly number[]
  /** `[T, labels + 1]` */
  readonly logProbs: TensorData<'float32'>
}

/** Transcribes with a CTC model, by best paths. Features are not padded, as NeMo does here. */
export function ctcTranscriber(model: EncDecCTCModel): Transcriber<CtcTranscript> {
  return new Transcriber<CtcTranscript>({
    model,
    padTo: 0,
    draw(inputSignal, inputSignalLength) {
      const drawn = model.forward({ inputSignal, inputSignalLength } as never)
      const { logProbs, encodedLengths, greedyPredictions } = drawn
      return { logprobs: logProbs, encoded_lengths: encodedLengths, predictions: greedyPredictions }
    },
    unpack({ logprobs, encoded_lengths, predictions }) {
      const lengths = Array.from(encoded_lengths!.data as BigInt64Array, Number)
      const [, frames, classes] = logprobs!.shape as readonly [number, number, number]
      return greedyCtcDecode(predictions!, lengths, model.blank).map((ids, b) => {
        const [length, start] = [lengths[b]!, b * frames * classes]
        const data = (logprobs!.data as Float32Array).slice(start, start + length * classes)
        return { ids, text: model.idsToText(ids), logProbs: { dtype: 'float32', shape: [length, classes], data } }
      })
    },
  })
}
