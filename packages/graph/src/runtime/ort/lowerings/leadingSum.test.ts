import { expect, test } from 'vitest'
import { expectLoweringAgrees, lowered, uniform } from '../../../../test/loweringCheck.js'
import { typesIn } from '../../../../test/opCheck.js'
import { seededRandom } from '../../../../test/seededRandom.js'
import { input } from '../../../ops/leaves.js'
import { reduceSum } from '../../../ops/reduction.js'

test.each([
  ['one axis', [0], false],
  ['one axis, kept', [0], true],
  ['two axes', [0, 1], false],
  ['two axes in any order', [1, 0], true],
] as const)('the sum over %s is a product that agrees', async (_, axes, keepDims) => {
  const y = reduceSum(input('x', 'float32', ['B', 'N', 32, 40]), axes, keepDims)
  // The sum over B alone leaves a symbol.
  if (axes.length === 2) expect(typesIn(lowered([y]))).toContain('MatMul')
  const random = seededRandom(1)
  const runs = [[1, 1], [3, 2], [1, 5]].map((lead) => ({ x: uniform([...lead, 32, 40], random) })) // biome-ignore format: pairs
  await expectLoweringAgrees({ y }, runs)
})

test('a symbolic batch of weights is summed by a product', () => {
  expect(typesIn(lowered([reduceSum(input('x', 'float32', ['B', 64, 64]), 0)]))).toContain('MatMul')
})

test('small sums, inner axes and sums to a scalar stay', () => {
  const x = input('x', 'float32', ['B', 64, 64])
  for (const y of [
    reduceSum(input('z', 'float32', ['B', 8]), 0),
    reduceSum(x, 2),
    reduceSum(x, [0, 2]),
    reduceSum(x),
  ]) {
    expect(typesIn(lowered([y]))).not.toContain('MatMul')
  }
})
