import { expect, test } from 'vitest'
import { checkOp } from '../../test/opCheck.js'
import { array, at } from '../../test/referenceArray.js'
import { ShapeError } from '../errors.js'
import { depthToSpace, spaceToDepth } from './depthToSpace.js'
import { input } from './leaves.js'

const SIZES = [
  { B: 2, T: 3 },
  { B: 1, T: 1 },
]
for (const mode of ['DCR', 'CRD'] as const) {
  checkOp('DepthToSpace', `in mode ${mode}`, {
    inputs: [{ shape: ['B', 12, 2, 'T'] }],
    sizes: SIZES,
    secondOrder: true,
    build: ([x]) => depthToSpace(x!, 2, mode),
    reference: ([x], { B, T }) =>
      array([B!, 3, 4, 2 * T!], ([b, c, i, j]) => {
        const block = (i! % 2) * 2 + (j! % 2)
        return at(x!, [b!, mode === 'DCR' ? block * 3 + c! : c! * 4 + block, Math.floor(i! / 2), Math.floor(j! / 2)])
      }),
  })
}
checkOp('SpaceToDepth', 'undoes DepthToSpace', {
  inputs: [{ shape: ['B', 3, 4, 'T'] }],
  sizes: [
    { B: 2, T: 6 },
    { B: 1, T: 2 },
  ],
  secondOrder: true,
  build: ([x]) => spaceToDepth(x!, 2),
  reference: ([x], { B, T }) =>
    array([B!, 12, 2, T! / 2], ([b, c, i, j]) => {
      const block = Math.floor(c! / 3)
      return at(x!, [b!, c! % 3, 2 * i! + Math.floor(block / 2), 2 * j! + (block % 2)])
    }),
})

test('channels that form no blocks are an error', () => {
  expect(() => depthToSpace(input('x', 'float32', [1, 6, 2, 2]), 2)).toThrow(ShapeError)
  expect(() => spaceToDepth(input('x', 'float32', [1, 6, 3, 2]), 2)).toThrow(ShapeError)
})
