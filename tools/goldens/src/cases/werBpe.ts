import { WERBPE } from '@nemo/asr'
import type { TensorData } from '@nemo/graph'
import type { CaseHandler } from '../caseHandler.js'

interface MetricUpdate {
  readonly pred: readonly (readonly number[])[]
  readonly pred_len: readonly number[]
  readonly tgt: readonly (readonly number[])[]
  readonly tgt_len: readonly number[]
  readonly use_cer: boolean
  readonly wer: number
  readonly scores: number
  readonly words: number
  readonly references: readonly string[]
  readonly hypotheses: readonly string[]
}

interface Path {
  readonly ids: readonly number[]
  /** Valid frames; null for all. */
  readonly length: number | null
  readonly text: string
}

// NeMo's quotient is float32.
const TOLERANCE = 1e-6

/** Word error rates over pieces of words: `greedy` paths with their text, and `metric` updates. */
export const werBpe: CaseHandler = {
  kind: 'word error rate of sub-words',
  matches: (golden) => Array.isArray(golden.json.pieces) && golden.list('greedy').length > 0,
  async run(golden, comparison) {
    const pieces = golden.list<string>('pieces')
    // The toy tokenizer of the case.
    const tokenizer = {
      vocabSize: pieces.length,
      idsToText: (ids: readonly number[]) =>
        ids
          .map((id) => pieces[id]!)
          .join('')
          .replaceAll('\u2581', ' ')
          .trim(),
    }
    const paths = [...golden.list<Path>('greedy'), ...golden.list<Path>('hypotheses')]
    for (const [i, { ids, length, text }] of paths.entries()) {
      const [found] = new WERBPE({ tokenizer }).ctcDecoderPredictions(rows([ids]), [length ?? ids.length])
      comparison.equal(`greedy[${i}]`, found, text)
    }
    for (const [i, update] of golden.list<MetricUpdate>('metric').entries()) {
      const metric = new WERBPE({ tokenizer, useCer: update.use_cer })
      const hypotheses = metric.ctcDecoderPredictions(rows(update.pred), update.pred_len)
      const references = update.tgt.map((ids, b) => tokenizer.idsToText(ids.slice(0, update.tgt_len[b])))
      comparison.equal(`metric[${i}].texts`, [hypotheses, references], [update.hypotheses, update.references])
      metric.update(rows(update.pred), rows(update.tgt), update.tgt_len, update.pred_len)
      comparison.number(`metric[${i}].wer`, metric.compute(), update.wer, TOLERANCE)
      const { errors, units } = metric.counts
      comparison.equal(`metric[${i}].counts`, [errors, units], [update.scores, update.words])
    }
  },
}

function rows(paths: readonly (readonly number[])[]): TensorData {
  const shape = [paths.length, paths[0]?.length ?? 0]
  return { dtype: 'int64', shape, data: BigInt64Array.from(paths.flat(), BigInt) }
}
