import { readFileSync } from 'node:fs'
import type { TensorData } from '@nemo/graph'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { greedyCtcDecode } from '../decoding/greedyCtc.js'
import { AsrError } from '../errors.js'
import { editDistance } from './editDistance.js'
import { countErrors, splitWords, WER, wordErrorRate } from './wer.js'

fc.configureGlobal({ seed: 1 })

interface Reference {
  readonly vocabulary: readonly string[]
  readonly blank: number
  readonly pairs: readonly { hypotheses: string[]; references: string[]; use_cer: boolean; value: number | 'inf' }[]
  readonly greedy: readonly { ids: number[]; length: number | null; text: string }[]
  readonly metric: readonly {
    readonly pred: number[][]
    readonly plen: number[]
    readonly tgt: number[][]
    readonly tlen: number[]
    readonly use_cer: boolean
    readonly wer: number
    readonly scores: number
    readonly words: number
  }[]
}

// Computed by NeMo v1.0.0; packed by tools/goldens/src/packFixtures.ts.
const reference = JSON.parse(
  readFileSync(new URL('../../test/fixtures/wer.json', import.meta.url), 'utf8'),
) as Reference

const spell = (ids: readonly number[]): string => ids.map((id) => reference.vocabulary[id]!).join('')
const paths = (rows: number[][]): TensorData => ({
  dtype: 'int64',
  shape: [rows.length, rows[0]!.length],
  data: BigInt64Array.from(rows.flat(), BigInt),
})

describe('error rates', () => {
  it.each(reference.pairs)('$hypotheses for $references (CER: $use_cer) gives NeMo’s $value', (pair) => {
    const { hypotheses, references, use_cer, value } = pair
    const expected = value === 'inf' ? Number.POSITIVE_INFINITY : value
    expect(wordErrorRate(hypotheses, references, { useCer: use_cer })).toBe(expected)
  })

  it.each(reference.metric)('a batch of paths gives NeMo’s counts (CER: $use_cer)', (batch) => {
    const metric = new WER({ useCer: batch.use_cer })
    greedyCtcDecode(paths(batch.pred), batch.plen, reference.blank).forEach((ids, b) => {
      metric.update(spell(ids), spell(batch.tgt[b]!.slice(0, batch.tlen[b])))
    })
    expect(metric.counts).toEqual({ errors: batch.scores, units: batch.words })
    expect(metric.compute()).toBe(batch.wer)
  })

  it('lists of different lengths are refused with both lengths', () => {
    expect(() => wordErrorRate(['a'], ['a', 'b'])).toThrow(AsrError)
    expect(() => wordErrorRate(['a'], ['a', 'b'])).toThrow(/1 and 2.*NEMO_WER_LENGTH/)
  })

  it('updates add up to the rate of all texts at once', () => {
    const texts = fc.array(fc.tuple(fc.string(), fc.string()))
    fc.assert(
      fc.property(texts, fc.boolean(), (pairs, useCer) => {
        const metric = new WER({ useCer })
        for (const [hypothesis, text] of pairs) metric.update(hypothesis, text)
        const all = wordErrorRate(
          pairs.map(([hypothesis]) => hypothesis),
          pairs.map(([, text]) => text),
          { useCer },
        )
        expect(metric.compute()).toBe(all)
      }),
    )
  })

  it('characters are code points, words are split where Python splits them', () => {
    expect(countErrors('😀', '😁', true)).toEqual({ errors: 1, units: 1 })
    expect(splitWords(' a\u001cb\u0085c\u3000d ')).toEqual(['a', 'b', 'c', 'd'])
    expect(splitWords('a\ufeffb')).toEqual(['a\ufeffb'])
  })
})

describe('greedy decoding', () => {
  it.each(reference.greedy)('$ids of length $length gives NeMo’s text $text', ({ ids, length, text }) => {
    const [decoded] = greedyCtcDecode(paths([ids]), [length ?? ids.length], reference.blank)
    expect(spell(decoded!)).toBe(text)
  })
})

describe('editDistance', () => {
  const words = fc.array(fc.constantFrom('a', 'b', 'c'), { maxLength: 8 })

  // The definition, which takes exponential time.
  const slow = (a: readonly string[], b: readonly string[]): number => {
    if (a.length === 0 || b.length === 0) return a.length + b.length
    const [restA, restB] = [a.slice(1), b.slice(1)]
    if (a[0] === b[0]) return slow(restA, restB)
    return 1 + Math.min(slow(restA, b), slow(a, restB), slow(restA, restB))
  }

  it('equals its recursive definition', () => {
    const short = fc.array(fc.constantFrom('a', 'b', 'c'), { maxLength: 5 })
    fc.assert(
      fc.property(short, short, (a, b) => {
        expect(editDistance(a, b)).toBe(slow(a, b))
      }),
    )
  })

  it('is a metric: zero for equal lists only, symmetric, with the triangle inequality', () => {
    fc.assert(
      fc.property(words, words, words, (a, b, c) => {
        expect(editDistance(a, a)).toBe(0)
        expect(editDistance(a, b) === 0).toBe(a.join() === b.join())
        expect(editDistance(a, b)).toBe(editDistance(b, a))
        expect(editDistance(a, c)).toBeLessThanOrEqual(editDistance(a, b) + editDistance(b, c))
      }),
    )
  })

  it('lies between the difference of the lengths and the longer length', () => {
    fc.assert(
      fc.property(words, words, (a, b) => {
        const distance = editDistance(a, b)
        expect(distance).toBeGreaterThanOrEqual(Math.abs(a.length - b.length))
        expect(distance).toBeLessThanOrEqual(Math.max(a.length, b.length))
      }),
    )
  })
})
