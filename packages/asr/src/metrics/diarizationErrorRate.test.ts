import { RandomGenerator } from '@nemo/audio'
import { describe, expect, it } from 'vitest'
import { AsrError, DiarizationErrorRate, equalErrorRate, linearAssignment, type SpeakerSegment } from '../index.js'

const turns = (text: string): SpeakerSegment[] =>
  [...text].flatMap((speaker, start) => (speaker === '.' ? [] : [{ start, duration: 1, speaker }]))

describe('DiarizationErrorRate', () => {
  const exact = () => new DiarizationErrorRate({ collar: 0, ignoreOverlap: false })

  it('counts misses, false alarms and confusions after the best pairing of speakers', () => {
    const found = exact().update(turns('aaabbb..c'), turns('xxxxyy.zz'))
    expect(found).toEqual({ total: 7, correct: 6, missed: 0, falseAlarm: 1, confusion: 1, errorRate: 2 / 7 })
    expect(exact().update(turns('aabb'), turns('bb..'))).toMatchObject({ correct: 2, missed: 2, confusion: 0 })
  })

  it('adds up over recordings', () => {
    const rate = exact()
    rate.update(turns('aabb'), turns('xxyy'))
    rate.update(turns('aaaa'), turns('....'))
    expect(rate.compute()).toMatchObject({ total: 8, missed: 4, errorRate: 0.5 })
    rate.reset()
    expect(rate.compute().errorRate).toBeNaN()
  })

  it('leaves out a collar on each side of borders of the reference', () => {
    const rate = new DiarizationErrorRate({ collar: 0.25, ignoreOverlap: false })
    expect(rate.update([{ start: 1, duration: 2, speaker: 'a' }], [{ start: 1.2, duration: 2, speaker: 'x' }])).toEqual(
      {
        total: 1.5,
        correct: 1.5,
        missed: 0,
        falseAlarm: 0,
        confusion: 0,
        errorRate: 0,
      },
    )
  })

  it('overlap counts for each speaker, or not at all', () => {
    const both = [...turns('aaaa'), { start: 2, duration: 4, speaker: 'b' }]
    expect(exact().update(both, turns('aaaabb'))).toMatchObject({ total: 8, correct: 6, missed: 2 })
    const ignoring = new DiarizationErrorRate({ collar: 0, ignoreOverlap: true })
    expect(ignoring.update(both, turns('aaaabb'))).toMatchObject({ total: 4, missed: 0 })
  })

  it('counts only the spans that it is told of', () => {
    expect(exact().update(turns('aaaa'), turns('....'), [[1, 2]])).toMatchObject({ total: 1, missed: 1 })
    expect(exact().update([], [])).toMatchObject({ total: 0 })
    expect(exact().update([], turns('x'))).toMatchObject({ total: 0, falseAlarm: 1 })
  })
})

describe('linearAssignment', () => {
  it('pairs so that the sum is greatest, for any shape', () => {
    expect(
      linearAssignment([
        [9, 8],
        [8, 1],
      ]),
    ).toEqual([1, 0])
    expect(linearAssignment([[1], [5], [3]])).toEqual([-1, 0, -1])
    expect(linearAssignment([[1, 7, 3]])).toEqual([1])
    expect(linearAssignment([])).toEqual([])
    expect(linearAssignment([[], []])).toEqual([-1, -1])
  })

  it('is as good as trying all pairings', () => {
    const random = new RandomGenerator(5)
    for (let trial = 0; trial < 200; trial++) {
      const [rows, columns] = [random.integer(1, 5), random.integer(1, 5)]
      const scores = Array.from({ length: rows }, () => Array.from({ length: columns }, () => random.integer(-3, 9)))
      const most = (i: number, free: readonly number[], left: number): number => {
        if (i === rows || left === 0) return 0
        const taken = free.map(
          (j) =>
            scores[i]![j]! +
            most(
              i + 1,
              free.filter((other) => other !== j),
              left - 1,
            ),
        )
        // Of more rows than columns some stay alone.
        if (rows - i > left) taken.push(most(i + 1, free, left))
        return Math.max(...taken)
      }
      const pairs = linearAssignment(scores)
      const sum = pairs.reduce((total, j, i) => total + (j < 0 ? 0 : scores[i]![j]!), 0)
      expect(new Set(pairs.filter((j) => j >= 0)).size).toBe(Math.min(rows, columns))
      expect(sum).toBe(most(0, [...scores[0]!.keys()], Math.min(rows, columns)))
    }
  })
})

describe('equalErrorRate', () => {
  it('is 0 for scores that are told apart, 1 for those the wrong way round', () => {
    const { rate, threshold } = equalErrorRate([0.9, 0.8, 0.2, 0.1], [true, true, false, false])
    expect(rate).toBe(0)
    expect(threshold).toBeGreaterThan(0.2)
    expect(equalErrorRate([0, 1], [1, 0]).rate).toBe(1)
  })

  it('is half for scores that say nothing', () => {
    expect(equalErrorRate([1, 1, 1, 1], [1, 0, 1, 0]).rate).toBeCloseTo(0.5)
  })

  it('needs trials of both kinds', () => {
    for (const same of [[1, 1], [0, 0], [1]]) expect(() => equalErrorRate([0.1, 0.2], same)).toThrow(AsrError)
  })
})
