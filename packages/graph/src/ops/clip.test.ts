import { expect, test } from 'vitest'
import { checkOp, EDGE_SIZES } from '../../test/opCheck.js'
import { elementwise } from '../../test/referenceArray.js'
import { runOnce } from '../../test/runOnce.js'
import { grad } from '../grad.js'
import { clip } from './clip.js'
import { input } from './leaves.js'
import { reduceSum } from './reduction.js'

checkOp('Clip', 'limits to both, one or no bound', {
  inputs: [{ shape: ['B', 3, 'T'] }],
  sizes: EDGE_SIZES,
  dtypes: ['float32', 'float64'],
  build: ([x]) => [clip(x!, -1, 0.5), clip(x!, -1), clip(x!, undefined, 0.5), clip(x!)],
  reference: ([x]) => [
    elementwise((v) => Math.min(0.5, Math.max(-1, v)), x!),
    elementwise((v) => Math.max(-1, v), x!),
    elementwise((v) => Math.min(0.5, v), x!),
    x!,
  ],
})
checkOp('Clip', 'limits by tensors and differentiates with respect to them', {
  inputs: [{ shape: ['B', 'T'] }, { shape: [], values: [-1, -0.5] }, { shape: [], values: [0.5, 1] }],
  sizes: EDGE_SIZES,
  build: ([x, low, high]) => clip(x!, low!, high!),
  reference: ([x, low, high]) => elementwise((v, a, b) => Math.min(b, Math.max(a, v)), x!, low!, high!),
})

test('the gradient passes at the limits themselves', async () => {
  const x = input('x', 'float32', [5])
  const { g } = await runOnce({ g: grad(reduceSum(clip(x, -1, 1)), [x])[0]! }, { x: [-2, -1, 0, 1, 2] })
  expect([...g.data]).toEqual([0, 1, 1, 1, 0])
})
