import { greedyCtcDecode, WER } from '@nemo/asr'
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
    const blank = Number(golden.json.blank)
    // The toy tokenizer of the case.
    const spell = (ids: readonly number[]) =>
      ids
        .map((id) => pieces[id]!)
        .join('')
        .replaceAll('\u2581', ' ')
        .trim()
    const decode = (ids: readonly number[], length: number | null) =>
      spell(greedyCtcDecode(rows([ids]), [length ?? ids.length], blank)[0]!)
    for (const [i, { ids, length, text }] of [
      ...golden.list<Path>('greedy'),
      ...golden.list<Path>('hypotheses'),
    ].entries())
      comparison.equal(`greedy[${i}]`, decode(ids, length), text)
    for (const [i, update] of golden.list<MetricUpdate>('metric').entries()) {
      const metric = new WER({ useCer: update.use_cer })
      for (const [b, path] of update.pred.entries()) {
        const hypothesis = decode(path, update.pred_len[b]!)
        const reference = spell(update.tgt[b]!.slice(0, update.tgt_len[b]))
        comparison.equal(`metric[${i}]/${b}`, [hypothesis, reference], [update.hypotheses[b], update.references[b]])
        metric.update(hypothesis, reference)
      }
      comparison.number(`metric[${i}].wer`, metric.compute(), update.wer, TOLERANCE)
      comparison.equal(
        `metric[${i}].counts`,
        [metric.counts.errors, metric.counts.units],
        [update.scores, update.words],
      )
    }
  },
}

function rows(paths: readonly (readonly number[])[]): TensorData {
  const shape = [paths.length, paths[0]?.length ?? 0]
  return { dtype: 'int64', shape, data: BigInt64Array.from(paths.flat(), BigInt) }
}
