import type { TensorData } from '@nemo/graph'
import { describe, expect, it } from 'vitest'
import { ClassificationReport, type NlpError, Perplexity, type ReportMode, SequencePerplexity } from '../src/index.js'
import { goldenFixture } from './goldenFixture.js'

interface MetricsCase {
  readonly classification_report: readonly {
    readonly num_classes: number
    readonly label_ids: Readonly<Record<string, number>> | null
    readonly batches: readonly { readonly predictions: readonly number[]; readonly labels: readonly number[] }[]
    readonly modes: Readonly<Record<ReportMode, Record<'precision' | 'recall' | 'f1', number>>> & {
      readonly all: Record<'precision' | 'recall' | 'f1', readonly number[]>
    }
    readonly report: string
    readonly tp: readonly number[]
    readonly fp: readonly number[]
    readonly fn: readonly number[]
    readonly total_examples: number
  }[]
  readonly perplexity: Readonly<Record<'log_probs' | 'labels' | 'mask', string>> & {
    readonly sequence_perplexity: number
    readonly sequence_perplexity_masked_two_updates: number
    readonly perplexity_two_updates: number
  }
}

const golden = goldenFixture<MetricsCase>('metrics')
// NeMo computes in float32.
const TOLERANCE = 1e-4
const keys = ['precision', 'recall', 'f1'] as const

describe('ClassificationReport equals NeMo v1.0.0', () => {
  it.each(golden.json.classification_report)('$num_classes classes', (entry) => {
    const report = new ClassificationReport(entry.num_classes, entry.label_ids ? { labelIds: entry.label_ids } : {})
    for (const { predictions, labels } of entry.batches) report.update(predictions, labels)
    const { tp, fp, fn } = entry
    expect(report.counts).toEqual({ tp, fp, fn })
    expect(report.totalExamples).toBe(entry.total_examples)
    expect(report.report()).toBe(entry.report)
    for (const mode of ['macro', 'micro', 'weighted'] as const) {
      for (const key of keys)
        expect(Math.abs(report.compute(mode)[key] - entry.modes[mode][key])).toBeLessThan(TOLERANCE)
    }
    for (const [i, scores] of report.perClass().entries()) {
      for (const key of keys) expect(Math.abs(scores[key] - entry.modes.all[key][i]!)).toBeLessThan(TOLERANCE)
    }
    report.reset()
    expect(report.totalExamples).toBe(0)
  })

  it('a label that is no class makes its prediction wrong', () => {
    const report = new ClassificationReport(2)
    report.update([0, 1], BigInt64Array.of(-1n, 1n))
    expect(report.counts).toEqual({ tp: [0, 1], fp: [1, 0], fn: [0, 0] })
  })

  it('lists of different lengths are an error', () => {
    expect(() => new ClassificationReport(2).update([0], [0, 1])).toThrow(
      expect.objectContaining<Partial<NlpError>>({ code: 'NEMO_METRIC_LENGTH' }),
    )
  })
})

const { perplexity } = golden.json
const logProbs = golden.array(perplexity.log_probs)
const labels = golden.array(perplexity.labels)

/** The first item of a batch, as a batch. */
function first(x: TensorData): TensorData {
  const shape = [1, ...x.shape.slice(1)]
  return { ...x, shape, data: x.data.slice(0, x.data.length / x.shape[0]!) } as TensorData
}

describe('perplexities equal NeMo v1.0.0', () => {
  const near = (got: number | null, want: number): void => {
    expect(got).not.toBeNull()
    expect(Math.abs(got! - want) / want).toBeLessThan(1e-5)
  }

  it('of sequences', () => {
    const metric = new SequencePerplexity()
    expect(metric.compute()).toBeNull()
    metric.update(logProbs, labels)
    near(metric.compute(), perplexity.sequence_perplexity)
    metric.reset()
    expect(metric.compute()).toBeNull()
    metric.update(logProbs, labels, golden.array(perplexity.mask))
    metric.update(first(logProbs), first(labels))
    near(metric.compute(), perplexity.sequence_perplexity_masked_two_updates)
  })

  it('of distributions, from logits and probabilities', () => {
    const metric = new Perplexity()
    expect(metric.compute()).toBeNull()
    const scaled = Float32Array.from(logProbs.data as Float32Array, (x) => 1.3 * x)
    metric.update({ logits: { dtype: 'float32', shape: logProbs.shape, data: scaled } })
    const probs = Float32Array.from(first(logProbs).data as Float32Array, Math.exp)
    metric.update({ probs: { dtype: 'float32', shape: logProbs.shape.slice(1), data: probs } })
    near(metric.compute(), perplexity.perplexity_two_updates)
  })
})

describe('what perplexities cannot use is an error', () => {
  const vector = (...data: number[]): TensorData => ({
    dtype: 'float32',
    shape: [data.length],
    data: Float32Array.from(data),
  })

  it('NaN, negative and zero probabilities', () => {
    expect(() => new Perplexity().update({ logits: vector(0, Number.NaN) })).toThrow(/NaN/)
    expect(() => new Perplexity().update({ probs: vector(1, -1) })).toThrow(/at least 0/)
    expect(() => new Perplexity().update({ probs: vector(0, 0) })).toThrow(/a sum of 0/)
  })

  it('labels out of range and shapes that do not fit', () => {
    const outside = { ...labels, data: BigInt64Array.from({ length: labels.data.length }, () => 99n) } as TensorData
    expect(() => new SequencePerplexity().update(logProbs, outside)).toThrow(/label 99 of sequence 0, position 0/)
    expect(() => new SequencePerplexity().update(logProbs, vector(1))).toThrow(/labels \[B, T\]/)
  })
})
