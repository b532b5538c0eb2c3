import { expect, test } from 'vitest'
import { checkOp, EDGE_SIZES } from '../../test/opCheck.js'
import { elementwise, type ReferenceArray, reduceWith } from '../../test/referenceArray.js'
import { runOnce } from '../../test/runOnce.js'
import { ShapeError } from '../errors.js'
import { input } from './leaves.js'
import { logSoftmax, softmax } from './softmax.js'

const normalizer = (x: ReferenceArray, axis: number) =>
  reduceWith(x, [axis], true, (values) => values.reduce((sum, v) => sum + Math.exp(v), 0))

for (const axis of [-1, 0, 1]) {
  const common = {
    inputs: [{ shape: ['B', 3, 'T'] }],
    sizes: EDGE_SIZES,
    secondOrder: true,
    gradientTolerance: { absolute: 1e-4, relative: 1e-4 },
  }
  checkOp('Softmax', `normalises along axis ${axis}`, {
    ...common,
    dtypes: ['float32', 'float64'],
    build: ([x]) => softmax(x!, axis),
    reference: ([x]) => elementwise((v, n) => Math.exp(v) / n, x!, normalizer(x!, axis)),
  })
  checkOp('LogSoftmax', `normalises along axis ${axis}`, {
    ...common,
    dtypes: ['float32', 'float64'],
    build: ([x]) => logSoftmax(x!, axis),
    reference: ([x]) => elementwise((v, n) => v - Math.log(n), x!, normalizer(x!, axis)),
  })
}

test('large inputs do not overflow, equal ones share', async () => {
  const x = input('x', 'float32', [2, 3])
  const { p, l } = await runOnce(
    { p: softmax(x), l: logSoftmax(x) },
    {
      x: [
        [1e4, 0, -1e4],
        [-1e30, -1e30, -1e30],
      ],
    },
  )
  expect([...p.data].slice(0, 3)).toEqual([1, 0, 0])
  expect(Array.from(p.data, Number)[4]).toBeCloseTo(1 / 3, 6)
  expect([...l.data].slice(0, 3)).toEqual([0, -1e4, -2e4])
})

test('an axis outside the rank is an error', () => {
  expect(() => softmax(input('x', 'float32', [2]), 1)).toThrow(ShapeError)
})
