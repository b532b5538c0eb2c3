import { greedyCtcDecode, WER, wordErrorRate } from '@nemo/asr'
import type { TensorData } from '@nemo/graph'
import type { CaseHandler } from '../caseHandler.js'

interface Pair {
  readonly hypotheses: readonly string[]
  readonly references: readonly string[]
  readonly use_cer: boolean
  /** `inf` where the references are empty. */
  readonly value: number | string
}

interface Path {
  readonly ids: readonly number[]
  /** Valid frames; null for all. */
  readonly length: number | null
  readonly text: string
}

interface MetricUpdate {
  readonly pred: readonly (readonly number[])[]
  readonly plen: readonly number[]
  readonly tgt: readonly (readonly number[])[]
  readonly tlen: readonly number[]
  readonly use_cer: boolean
  readonly wer: number | string
  readonly scores: number
  readonly words: number
}

// Error rates are quotients of whole numbers.
const TOLERANCE = 1e-12

/** `pairs` of texts with their error rate, `greedy` paths with their text, and `metric` updates on characters. */
export const wer: CaseHandler = {
  kind: 'word error rate',
  matches: (golden) =>
    golden.list<Partial<Pair>>('pairs').some(({ references }) => Array.isArray(references)) &&
    Array.isArray(golden.json.vocabulary),
  async run(golden, comparison) {
    const vocabulary = golden.list<string>('vocabulary')
    const blank = Number(golden.json.blank ?? vocabulary.length)
    const spell = (ids: readonly number[]) => ids.map((id) => vocabulary[id]!).join('')
    for (const [i, { hypotheses, references, use_cer, value }] of golden.list<Pair>('pairs').entries()) {
      const got = wordErrorRate(hypotheses, references, { useCer: use_cer })
      comparison.number(`pairs[${i}]`, got, numberOf(value), TOLERANCE)
    }
    for (const [i, { ids, length, text }] of golden.list<Path>('greedy').entries()) {
      const [decoded] = greedyCtcDecode(rows([ids]), [length ?? ids.length], blank)
      comparison.equal(`greedy[${i}]`, spell(decoded!), text)
    }
    for (const [i, update] of golden.list<MetricUpdate>('metric').entries()) {
      const metric = new WER({ useCer: update.use_cer })
      greedyCtcDecode(rows(update.pred), update.plen, blank).forEach((ids, b) => {
        metric.update(spell(ids), spell(update.tgt[b]!.slice(0, update.tlen[b])))
      })
      comparison.number(`metric[${i}].wer`, metric.compute(), numberOf(update.wer), TOLERANCE)
      comparison.equal(`metric[${i}].scores`, metric.counts.errors, update.scores)
      comparison.equal(`metric[${i}].words`, metric.counts.units, update.words)
    }
    const mismatch = golden.json.length_mismatch as Pick<Pair, 'hypotheses' | 'references'> | undefined
    if (mismatch) comparison.equal('length_mismatch raises', raises(mismatch), true)
  },
}

const numberOf = (value: number | string): number =>
  value === 'inf' ? Number.POSITIVE_INFINITY : value === '-inf' ? Number.NEGATIVE_INFINITY : Number(value)

function rows(paths: readonly (readonly number[])[]): TensorData {
  const shape = [paths.length, paths[0]?.length ?? 0]
  return { dtype: 'int64', shape, data: BigInt64Array.from(paths.flat(), BigInt) }
}

function raises({ hypotheses, references }: Pick<Pair, 'hypotheses' | 'references'>): boolean {
  try {
    wordErrorRate(hypotheses, references)
    return false
  } catch {
    return true
  }
}
