import { expect, test } from 'vitest'
import { checkOp, EDGE_SIZES } from '../../test/opCheck.js'
import { permute } from '../../test/referenceArray.js'
import { ShapeError } from '../errors.js'
import { apply1 } from '../op.js'
import { input } from './leaves.js'
import { ops } from './registry.js'
import { swapAxes, transpose } from './transpose.js'

for (const perm of [
  [2, 0, 1],
  [0, 2, 1],
  [2, 1, 0],
]) {
  checkOp('Transpose', `by [${perm}]`, {
    inputs: [{ shape: ['B', 3, 'T'] }],
    sizes: EDGE_SIZES,
    dtypes: ['float32', 'float64'],
    secondOrder: true,
    build: ([x]) => transpose(x!, perm),
    reference: ([x]) => permute(x!, perm),
  })
}
checkOp('Transpose', 'reverses the axes by default', {
  inputs: [{ shape: ['B', 3, 'T'] }],
  sizes: EDGE_SIZES,
  build: ([x]) => apply1(ops.Transpose, [x!]),
  reference: ([x]) => permute(x!, [2, 1, 0]),
})
checkOp('Transpose', 'swaps two axes counted from the end', {
  inputs: [{ shape: ['B', 3, 'T'] }],
  sizes: EDGE_SIZES,
  build: ([x]) => swapAxes(x!, -1, 0),
  reference: ([x]) => permute(x!, [2, 1, 0]),
})

test('the identity permutation is the tensor itself', () => {
  const x = input('x', 'float32', [2, 3])
  expect(transpose(x, [0, 1])).toBe(x)
})

test('what is no permutation is an error', () => {
  const x = input('x', 'float32', [2, 3])
  expect(() => transpose(x, [0, 0])).toThrow(ShapeError)
  expect(() => transpose(x, [0])).toThrow(ShapeError)
})
