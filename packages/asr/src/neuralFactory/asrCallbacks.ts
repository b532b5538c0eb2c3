import { type EvaluationValues, getLogger, type Logger, type MetricsLogger } from '@nemo/core'
import type { TensorData } from '@nemo/graph'
import { greedyCtcDecode } from '../decoding/greedyCtc.js'
import { AsrError } from '../errors.js'
import { wordErrorRate } from '../metrics/wer.js'

/** Which error rate: of words or of characters. */
export type EvalMetric = 'WER' | 'CER'

/** What an evaluation gathers batch by batch. */
export interface AsrEvaluation {
  readonly EvalLoss: number[]
  readonly predictions: string[]
  readonly transcripts: string[]
  readonly logits: TensorData[]
}

/** Texts of best paths `[B, T]`, one list for all batches. NeMo's `post_process_predictions`. */
export function postProcessPredictions(predictions: readonly TensorData[], labels: readonly string[]): string[] {
  return predictions.flatMap((batch) => {
    const [rows = 0, frames = 0] = batch.shape
    const paths = { shape: batch.shape, data: batch.data as BigInt64Array }
    return greedyCtcDecode(paths, new Array(rows).fill(frames), labels.length).map((ids) => spell(ids, labels))
  })
}

/** Texts of transcripts `[B, U]`, one list for all batches. NeMo's `post_process_transcripts`. */
export function postProcessTranscripts(
  transcripts: readonly TensorData[],
  lengths: readonly TensorData[],
  labels: readonly string[],
): string[] {
  return transcripts.flatMap(({ shape: [rows = 0, longest = 0], data }, batch) =>
    Array.from({ length: rows }, (_, row) => {
      const start = row * longest
      return spell(Array.from(data.subarray(start, start + Number(lengths[batch]!.data[row])), Number), labels)
    }),
  )
}

const spell = (ids: readonly number[], labels: readonly string[]): string => ids.map((id) => labels[id]!).join('')

/**
 * Reports loss, error rate and the first utterance of a training batch: a `printFunc` for `SimpleLossLoggerCallback`.
 *
 * @param values - Loss, predictions, transcripts, transcript lengths.
 *
 * Source: NeMo v0.9.0 `monitor_asr_train_progress`.
 */
export function monitorAsrTrainProgress(
  values: readonly TensorData[],
  options: {
    readonly labels: readonly string[]
    readonly evalMetric?: EvalMetric
    readonly tbLogger?: MetricsLogger
    readonly step?: number
    readonly logger?: Logger
  },
): void {
  const { labels, evalMetric = 'WER', logger = getLogger('asr') } = options
  const [loss, predictions, transcripts, lengths] = values
  if (!loss || !predictions || !transcripts || !lengths)
    throw new AsrError(
      'NEMO_ASR_PROGRESS',
      `monitorAsrTrainProgress: expected the values of loss, predictions, transcripts and transcript lengths, found ${values.length}.`,
    )
  const hypotheses = postProcessPredictions([predictions], labels)
  const references = postProcessTranscripts([transcripts], [lengths], labels)
  const rate = wordErrorRate(hypotheses, references, { useCer: evalMetric === 'CER' })
  options.tbLogger?.logMetrics({ [`training_batch_${evalMetric}`]: rate }, options.step ?? 0)
  logger.info(`Loss: ${loss.data[0]}`)
  logger.info(`training_batch_${evalMetric}: ${percent(rate)}`)
  logger.info(`Prediction: ${hypotheses[0]}`)
  logger.info(`Reference: ${references[0]}`)
}

/**
 * Gathers what an evaluation batch says: a `userIterCallback` for `EvaluatorCallback`. Values are found by the names of their
 * ports: `loss`, `predictions`, `transcripts`, `transcript_length`, `output`.
 *
 * Source: NeMo v0.9.0 `process_evaluation_batch`.
 */
export function processEvaluationBatch(
  values: EvaluationValues,
  globalVars: Partial<AsrEvaluation>,
  { labels }: { readonly labels: readonly string[] },
): void {
  const found = Object.assign(globalVars, {
    EvalLoss: globalVars.EvalLoss ?? [],
    predictions: globalVars.predictions ?? [],
    transcripts: globalVars.transcripts ?? [],
    logits: globalVars.logits ?? [],
  })
  const of = (port: string) => Object.entries(values).flatMap(([name, value]) => (name.startsWith(port) ? value : []))
  const losses = of('loss').map(({ data }) => Number(data[0]))
  if (losses.length > 0) found.EvalLoss.push(losses.reduce((sum, loss) => sum + loss, 0) / losses.length)
  found.predictions.push(...postProcessPredictions(of('predictions'), labels))
  found.transcripts.push(...postProcessTranscripts(of('transcripts'), of('transcript_length'), labels))
  found.logits.push(...of('output'))
}

/**
 * Sums an evaluation up: a `userEpochsDoneCallback` for `EvaluatorCallback`.
 *
 * @param options.tag - Name of the data, for logs.
 * @returns mean loss and error rate by their names, such as `Evaluation_WER_DEV`.
 *
 * Source: NeMo v0.9.0 `process_evaluation_epoch`.
 */
export function processEvaluationEpoch(
  globalVars: Partial<AsrEvaluation>,
  options: { readonly evalMetric?: EvalMetric; readonly tag?: string; readonly logger?: Logger } = {},
): Record<string, number> {
  const { evalMetric = 'WER', tag, logger = getLogger('asr') } = options
  const { EvalLoss = [], predictions = [], transcripts = [] } = globalVars
  const loss = EvalLoss.reduce((sum, value) => sum + value, 0) / EvalLoss.length
  const rate = wordErrorRate(predictions, transcripts, { useCer: evalMetric === 'CER' })
  const title = tag === undefined ? '' : ` ${tag}`
  const suffix = tag === undefined ? '' : `_${tag}`
  logger.info(`==========>>>>>>Evaluation Loss${title}: ${loss}`)
  logger.info(`==========>>>>>>Evaluation ${evalMetric}${title}: ${percent(rate)}`)
  return { [`Evaluation_Loss${suffix}`]: loss, [`Evaluation_${evalMetric}${suffix}`]: rate }
}

const percent = (rate: number): string => `${(rate * 100).toFixed(2).padStart(5)}%`
