import { type ASRModel, type RecognizedUtterance, TranscriptMetrics, TransducerMetrics } from '@nemo/asr'
import { type ModelTraining, type TrainedModel, trainModel } from './trainModel.js'

/** How training ended. */
export interface TrainedRecognizer<M extends ASRModel> extends Omit<TrainedModel<M>, 'evaluations'> {
  /** The test utterances with what was recognised, set by set; empty when training was interrupted. */
  readonly transcripts: readonly RecognizedUtterance[]
}

/** `trainModel` of a recogniser, whose test gives transcripts. */
export async function trainRecognizer<M extends ASRModel>(training: ModelTraining<M>): Promise<TrainedRecognizer<M>> {
  const { evaluations, ...trained } = await trainModel(training)
  const transcripts = evaluations.flatMap((found) =>
    found instanceof TranscriptMetrics || found instanceof TransducerMetrics ? found.transcripts : [],
  )
  return { ...trained, transcripts }
}
