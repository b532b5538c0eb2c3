import { expect, it } from 'vitest'
import { randomNumbers } from './randomNumbers.js'
import { noiseBatch } from './trainStepBatch.js'

const size = { batch: 3, frames: 40, features: 4, target: 5, classes: 7 }

it('has lengths from three quarters of the frames to all of them', () => {
  const { length } = noiseBatch(size, randomNumbers(1))
  expect([...length!.data].map(Number)).toEqual([30, 35, 40])
})

it('never uses the blank as a target', () => {
  const { targets } = noiseBatch({ ...size, batch: 50 }, randomNumbers(1))
  expect(Math.max(...[...targets!.data].map(Number))).toBe(5)
})

it('is the same for the same seed', () => {
  expect(noiseBatch(size, randomNumbers(2))).toEqual(noiseBatch(size, randomNumbers(2)))
})
