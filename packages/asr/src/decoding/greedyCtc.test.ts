import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { collapseCtc, ctcFramesNeeded, greedyCtcDecode } from './greedyCtc.js'

fc.configureGlobal({ seed: 1 })

const BLANK = 3
const path = fc.array(fc.integer({ min: 0, max: BLANK }), { maxLength: 12 })
const target = fc.array(fc.integer({ min: 0, max: BLANK - 1 }), { maxLength: 6 })

// The shortest path that spells a target.
const shortestPath = (ids: readonly number[]): number[] =>
  ids.flatMap((id, i) => (i > 0 && ids[i - 1] === id ? [BLANK, id] : [id]))

describe('collapseCtc', () => {
  it('merges repeats, drops blanks and tells the frames of each label', () => {
    expect(collapseCtc([3, 0, 0, 3, 0, 1, 1, 1, 3], BLANK)).toEqual([
      { id: 0, start: 1, end: 3 },
      { id: 0, start: 4, end: 5 },
      { id: 1, start: 5, end: 8 },
    ])
  })

  it('reads no frames beyond the length', () => {
    expect(collapseCtc([0, 1, 2], BLANK, 0)).toEqual([])
    expect(collapseCtc([0, 1, 2], BLANK, 2).map(({ id }) => id)).toEqual([0, 1])
    expect(collapseCtc([], BLANK)).toEqual([])
  })

  it('spans lie one after the other and cover exactly the frames that are not blank', () => {
    fc.assert(
      fc.property(path, (frames) => {
        const spans = collapseCtc(frames, BLANK)
        const covered = new Array(frames.length).fill(BLANK)
        let end = 0
        for (const span of spans) {
          expect(span.start).toBeGreaterThanOrEqual(end)
          expect(span.end).toBeGreaterThan(span.start)
          covered.fill(span.id, span.start, span.end)
          end = span.end
        }
        expect(covered).toEqual(frames)
      }),
    )
  })
})

describe('ctcFramesNeeded', () => {
  it('counts a blank between equal neighbours', () => {
    expect(ctcFramesNeeded([])).toBe(0)
    expect(ctcFramesNeeded([1, 1, 2, 2, 2])).toBe(8)
  })

  it('is the length of the shortest path that spells the target', () => {
    fc.assert(
      fc.property(target, (ids) => {
        const shortest = shortestPath(ids)
        expect(ctcFramesNeeded(ids)).toBe(shortest.length)
        expect(collapseCtc(shortest, BLANK).map(({ id }) => id)).toEqual(ids)
      }),
    )
  })

  it('no path spells a target in fewer frames', () => {
    fc.assert(
      fc.property(path, (frames) => {
        const ids = collapseCtc(frames, BLANK).map(({ id }) => id)
        expect(ctcFramesNeeded(ids)).toBeLessThanOrEqual(frames.length)
      }),
    )
  })
})

describe('greedyCtcDecode', () => {
  it('decodes each row up to its length', () => {
    const data = BigInt64Array.from([0, 0, 3, 1, 2, 2, 3, 2], BigInt)
    expect(greedyCtcDecode({ shape: [2, 4], data }, [3n, 4n], BLANK)).toEqual([[0], [2, 2]])
  })

  it('a batch of no frames gives empty texts', () => {
    expect(greedyCtcDecode({ shape: [2, 0], data: new BigInt64Array() }, [0, 0], BLANK)).toEqual([[], []])
  })
})
