import { describe, expect, it } from 'vitest'
import { median, summarize } from './statistics.js'

describe('median', () => {
  it('is the middle of an odd count, in any order', () => expect(median([5, 1, 3])).toBe(3))
  it('is the mean of the two middle values of an even count', () => expect(median([4, 1, 3, 2])).toBe(2.5))
  it('of nothing is NaN', () => expect(median([])).toBeNaN())
  it('sorts by value, not by text', () => expect(median([10, 9, 100])).toBe(10))
})

describe('summarize', () => {
  it('keeps the extremes', () => expect(summarize([2, 8, 4])).toEqual({ min: 2, median: 4, max: 8 }))
})
