import { checkOp, EDGE_SIZES } from '../../test/opCheck.js'
import { array, at } from '../../test/referenceArray.js'
import { tile } from './tile.js'

checkOp('Tile', 'repeats along every axis', {
  inputs: [{ shape: ['B', 3, 'T'] }],
  sizes: EDGE_SIZES,
  dtypes: ['float32', 'float64'],
  secondOrder: true,
  build: ([x]) => tile(x!, [2, 1, 3]),
  reference: ([x], { B, T }) => array([2 * B!, 3, 3 * T!], ([b, c, t]) => at(x!, [b! % B!, c!, t! % T!])),
})
checkOp('Tile', 'by 0 is empty', {
  inputs: [{ shape: ['B', 3] }],
  sizes: EDGE_SIZES,
  build: ([x]) => tile(x!, [1, 0]),
  reference: (_, { B }) => array([B!, 0], () => 0),
})
