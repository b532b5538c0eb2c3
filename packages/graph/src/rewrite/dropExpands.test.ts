import { expect, test } from 'vitest'
import { expectLoweringAgrees, lowered, uniform } from '../../test/loweringCheck.js'
import { typesIn } from '../../test/opCheck.js'
import { seededRandom } from '../../test/seededRandom.js'
import { grad } from '../grad.js'
import { add, div, mul, sub } from '../ops/arithmetic.js'
import { expand } from '../ops/expand.js'
import { constant, input } from '../ops/leaves.js'
import { reduceMean, reduceSum } from '../ops/reduction.js'

const random = seededRandom(1)
const x = input('x', 'float32', ['B', 3])
const row = input('row', 'float32', [3])
const feeds = { x: uniform([2, 3], random), row: uniform([3], random) }

test('an expanded operand beside one of the full shape is read as it is', async () => {
  const wide = expand(row, ['B', 3], [x])
  const outputs = { a: mul(wide, x), b: sub(x, wide), c: add(wide, wide) }
  expect(typesIn(lowered([outputs.a, outputs.b]))).not.toContain('Expand')
  expect(typesIn(lowered([outputs.c]))).toContain('Expand')
  await expectLoweringAgrees(outputs, [feeds], { absolute: 0, relative: 0 })
})

test('factors of one are dropped where they do not broadcast', async () => {
  const outputs = { a: mul(x, 1), b: div(x, constant(1)), c: mul(1, x), d: mul(row, constant([[1], [1]])) }
  expect(typesIn(lowered([outputs.a, outputs.b, outputs.c]))).toEqual(new Set(['Input']))
  expect(typesIn(lowered([outputs.d]))).toContain('Mul')
  await expectLoweringAgrees(outputs, [feeds], { absolute: 0, relative: 0 })
})

test('the gradient of a mean of products needs no tensor of ones', async () => {
  const [gx] = grad(reduceMean(mul(x, x)), [x])
  expect(typesIn(lowered([gx!]))).not.toContain('Expand')
  const [sum] = grad(reduceSum(mul(x, row)), [row])
  await expectLoweringAgrees({ gx: gx!, sum: sum! }, [feeds])
})
