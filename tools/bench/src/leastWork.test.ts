import { expect, test } from 'vitest'
import { leastWork } from './leastWork.js'

const size = { batch: 2, frames: 10, target: 1, features: 3, classes: 4 }

test('one pointwise block and the decoder move what is written out here', () => {
  const block = { filters: 5, kernel: 1, repeat: 1, stride: 1, dilation: 1, separable: false, residual: false }
  const [input, output, logits] = [2 * 10 * 3, 2 * 10 * 5, 2 * 10 * 4]
  const [weight, decoder] = [3 * 5, 5 * 4]
  const first = input + weight + output + (input + weight + output + weight)
  const normalization = 3 * output
  const last = output + decoder + logits + (output + decoder + logits + output + decoder)
  const optimizer = 6 * (weight + decoder)
  expect(leastWork([block], size)).toEqual({ layers: 2, bytes: 4 * (first + normalization + last + optimizer) })
})

test('a separable block has two layers for each repetition, and one for its residual branch', () => {
  const block = { filters: 5, kernel: 3, repeat: 4, stride: 1, dilation: 1, separable: true, residual: true }
  expect(leastWork([block], size).layers).toBe(4 * 2 + 1 + 1)
})
