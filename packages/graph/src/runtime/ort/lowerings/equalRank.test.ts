import { expect, test } from 'vitest'
import { expectLoweringAgrees, lowered, uniform } from '../../../../test/loweringCheck.js'
import { seededRandom } from '../../../../test/seededRandom.js'
import { add, div, maximum, mul, pow, sub } from '../../../ops/arithmetic.js'
import { greater } from '../../../ops/comparison.js'
import { input } from '../../../ops/leaves.js'
import { where } from '../../../ops/where.js'
import type { Tensor } from '../../../tensor.js'

const random = seededRandom(1)
const w = input('w', 'float32', ['O', 3, 1])
const s = input('s', 'float32', [])
const column = input('c', 'float32', [3, 1])

const cases: readonly (readonly [string, Tensor])[] = [
  ['a constant', mul(w, 0.3)],
  ['a scalar on the right', div(w, s)],
  ['a scalar on the left', sub(s, w)],
  ['a column', add(w, column)],
  ['an exponent', pow(mul(w, w), s)],
  ['a limit', maximum(w, s)],
  ['a choice', where(greater(w, 0), w, s)],
]

test.each(cases)('%s next to a last axis of one is given equal rank, and agrees', async (_, y) => {
  const [made] = lowered([y])
  for (const operand of made!.node.inputs) expect(operand!.rank).toBe(3)
  expect(made!.shape).toEqual(y.shape)
  const named: Record<string, Tensor> = { y, all: mul(add(w, column), s) }
  const feeds = { w: uniform([4, 3, 1], random), s: uniform([], random), c: uniform([3, 1], random) }
  await expectLoweringAgrees(named, [{ ...feeds, s: { ...feeds.s, data: Float32Array.of(0.7) } }])
})
