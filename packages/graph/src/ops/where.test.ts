import { expect, test } from 'vitest'
import { checkOp, EDGE_SIZES } from '../../test/opCheck.js'
import { elementwise } from '../../test/referenceArray.js'
import { runOnce } from '../../test/runOnce.js'
import { grad } from '../grad.js'
import { greater } from './comparison.js'
import { input } from './leaves.js'
import { reduceSum } from './reduction.js'
import { where } from './where.js'

const coin = (random: () => number) => Number(random() < 0.5)

checkOp('Where', 'broadcasts condition and both branches', {
  inputs: [{ shape: ['B', 1, 'T'], dtype: 'bool', values: coin }, { shape: [3, 1] }, { shape: ['B', 3, 'T'] }],
  sizes: EDGE_SIZES,
  dtypes: ['float32', 'float64'],
  build: ([c, a, b]) => where(c!, a!, b!),
  reference: ([c, a, b]) => elementwise((on, x, y) => (on ? x : y), c!, a!, b!),
})
checkOp('Where', 'takes numbers for branches', {
  inputs: [{ shape: ['T'], dtype: 'bool', values: coin }, { shape: ['B', 'T'] }],
  sizes: EDGE_SIZES,
  build: ([c, x]) => [where(c!, x!, 7), where(c!, 7, x!), where(c!, 1, 0)],
  reference: ([c, x]) => [
    elementwise((on, v) => (on ? v : 7), c!, x!),
    elementwise((on, v) => (on ? 7 : v), c!, x!),
    c!,
  ],
})

test('an infinite branch that is not taken does not reach the gradient', async () => {
  const a = input('a', 'float32', [2])
  const b = input('b', 'float32', [2])
  const y = where(greater(a, 0), a, b)
  const [da, db] = grad(reduceSum(y), [a, b])
  const found = await runOnce({ y, da: da!, db: db! }, { a: [1, -1], b: [Number.POSITIVE_INFINITY, 2] })
  expect([...found.da.data]).toEqual([1, 0])
  expect([...found.db.data]).toEqual([0, 1])
})
