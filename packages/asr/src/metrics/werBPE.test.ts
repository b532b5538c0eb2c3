import { readFileSync } from 'node:fs'
import type { TensorData } from '@nemo/graph'
import { describe, expect, it } from 'vitest'
import { WERBPE } from './werBPE.js'

interface Reference {
  readonly pieces: readonly string[]
  readonly greedy: readonly { ids: number[]; length: number | null; text: string }[]
  readonly metric: readonly {
    readonly pred: number[][]
    readonly pred_len: number[]
    readonly tgt: number[][]
    readonly tgt_len: number[]
    readonly use_cer: boolean
    readonly wer: number
    readonly scores: number
    readonly words: number
  }[]
}

// Computed by NeMo v1.0.0; packed by tools/goldens/src/packFixtures.ts.
const { pieces, greedy, metric } = JSON.parse(
  readFileSync(new URL('../../test/fixtures/wer-bpe.json', import.meta.url), 'utf8'),
) as Reference

const tokenizer = {
  vocabSize: pieces.length,
  idsToText: (ids: readonly number[]) =>
    ids
      .map((id) => pieces[id]!)
      .join('')
      .replaceAll('\u2581', ' ')
      .trim(),
}
const matrix = (rows: readonly (readonly number[])[]): TensorData => ({
  dtype: 'int64',
  shape: [rows.length, rows[0]!.length],
  data: BigInt64Array.from(rows.flat(), BigInt),
})

describe('WERBPE', () => {
  it('makes the texts of NeMo of best paths', () => {
    for (const { ids, length, text } of greedy)
      expect(
        new WERBPE({ tokenizer }).ctcDecoderPredictions(matrix([ids]), length === null ? undefined : [length]),
      ).toEqual([text])
  })

  it.each(metric.map((update, i) => [i, update] as const))('counts errors as NeMo, batch %d', (_i, update) => {
    const wer = new WERBPE({ tokenizer, useCer: update.use_cer })
    wer.update(matrix(update.pred), matrix(update.tgt), update.tgt_len, update.pred_len)
    expect(wer.counts).toEqual({ errors: update.scores, units: update.words })
    expect(wer.compute()).toBeCloseTo(update.wer, 5)
  })

  it('adds batches up', () => {
    const [update] = metric
    const wer = new WERBPE({ tokenizer, useCer: update!.use_cer })
    for (let i = 0; i < 2; i++) wer.update(matrix(update!.pred), matrix(update!.tgt), update!.tgt_len, update!.pred_len)
    expect(wer.counts).toEqual({ errors: 2 * update!.scores, units: 2 * update!.words })
  })
})
