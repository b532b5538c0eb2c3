import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { collapseCtc } from './greedyCtc.js'
import { CtcLexiconDecoder } from './lexiconCtc.js'

const labels = ['a', 'b', ' ']
const BLANK = 3
const words = ['ab', 'aa', 'b', 'ba']

const scores = (rows: readonly (readonly number[])[]) => ({
  shape: [rows.length, labels.length + 1],
  data: rows.flatMap((row) => {
    const total = Math.log(row.reduce((sum, x) => sum + Math.exp(x), 0))
    return row.map((x) => x - total)
  }),
})

// Tries every path of classes: the best score of each text that consists of known words.
function bruteForce({ shape, data }: { shape: number[]; data: number[] }) {
  const [T, C] = shape as [number, number]
  const best = new Map<string, number>()
  for (let code = 0; code < C ** T; code++) {
    const path = Array.from({ length: T }, (_, t) => Math.floor(code / C ** t) % C)
    const text = collapseCtc(path, BLANK)
      .map(({ id }) => labels[id])
      .join('')
    const found = text === '' ? [] : text.split(' ')
    if (!found.every((word) => words.includes(word))) continue
    const score = path.reduce((sum, id, t) => sum + data[t * C + id]!, 0)
    best.set(text, Math.max(score, best.get(text) ?? Number.NEGATIVE_INFINITY))
  }
  return best
}

describe('CtcLexiconDecoder', () => {
  const decoder = new CtcLexiconDecoder({ words, labels })

  it('finds the most probable alignment of known words, as trying all does', () => {
    const logits = fc.array(fc.array(fc.double({ min: -4, max: 4, noNaN: true }), { minLength: 4, maxLength: 4 }), {
      minLength: 1,
      maxLength: 6,
    })
    fc.assert(
      fc.property(logits, (rows) => {
        const given = scores(rows)
        const [found, all] = [decoder.decode(given), bruteForce(given)]
        expect(found.score).toBeCloseTo(Math.max(...all.values()), 9)
        // Of several texts with the same score any will do.
        expect(all.get(found.words.join(' '))).toBeCloseTo(found.score, 9)
      }),
      { numRuns: 60, seed: 5 },
    )
  })

  it('mends a misspelt word', () => {
    // "bb b": the first word is none; the next best spelling is "ab".
    const sure = (id: number, other = id) => labels.concat('blank').map((_, i) => (i === id ? 5 : i === other ? 4 : 0))
    const rows = [sure(1, 0), sure(BLANK), sure(1), sure(2), sure(1)]
    expect(decoder.decode(scores(rows)).words).toEqual(['ab', 'b'])
  })

  it('reads valid frames only, and hears nothing in none', () => {
    const rows = [
      [0, 9, 0, 0],
      [0, 0, 9, 0],
      [0, 9, 0, 0],
    ]
    expect(decoder.decode(scores(rows)).words).toEqual(['b', 'b'])
    expect(decoder.decode(scores(rows), 1).words).toEqual(['b'])
    expect(decoder.decode(scores(rows), 0)).toEqual({ words: [], score: 0 })
  })

  it('says what is wrong with words, labels and scores', () => {
    expect(() => new CtcLexiconDecoder({ words: ['abc'], labels })).toThrow(`'abc' has no label for "c"`)
    expect(() => new CtcLexiconDecoder({ words: ['a', 'a'], labels })).toThrow(`'a' is there twice`)
    expect(() => new CtcLexiconDecoder({ words: ['a b'], labels })).toThrow(`'a b' is not one word`)
    expect(() => new CtcLexiconDecoder({ words: [''], labels })).toThrow('not one word')
    expect(() => new CtcLexiconDecoder({ words: [], labels })).toThrow('at least one')
    expect(() => new CtcLexiconDecoder({ words: ['a'], labels: ['a', 'b'] })).toThrow('a space is needed')
    expect(() => decoder.decode({ shape: [2, 3], data: [0, 0, 0, 0, 0, 0] })).toThrow('[T, 4], found [2, 3]')
  })
})
