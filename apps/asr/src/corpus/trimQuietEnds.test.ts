import { expect, it } from 'vitest'
import { trimQuietEnds } from './trimQuietEnds.js'

it('cuts both ends below the threshold, and nothing between', () => {
  const samples = Float32Array.from([0, 0.05, -0.2, 0.01, 1, 0, 0.5, 0.09, 0])
  expect(trimQuietEnds(samples, 20)).toEqual(samples.slice(2, 7))
  expect(trimQuietEnds(samples, 30)).toEqual(samples.slice(1, 8))
  expect(trimQuietEnds(new Float32Array(3), 20)).toHaveLength(3)
})
