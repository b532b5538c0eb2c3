import { checkOp, EDGE_SIZES } from '../../test/opCheck.js'
import { array, broadcastAt } from '../../test/referenceArray.js'
import { eyeLike, lowerTriangle, upperTriangle } from './triangle.js'

for (const k of [0, 1, -2]) {
  checkOp('Trilu', `keeps the triangles from diagonal ${k}`, {
    inputs: [{ shape: ['B', 3, 'T'] }],
    sizes: EDGE_SIZES,
    secondOrder: true,
    build: ([x]) => [upperTriangle(x!, k), lowerTriangle(x!, k)],
    reference: ([x]) => [
      array(x!.shape, (i) => (i[2]! - i[1]! >= k ? broadcastAt(x!, i) : 0)),
      array(x!.shape, (i) => (i[2]! - i[1]! <= k ? broadcastAt(x!, i) : 0)),
    ],
  })
  checkOp('EyeLike', `has ones on diagonal ${k}`, {
    inputs: [{ shape: ['B', 'T'] }],
    sizes: EDGE_SIZES,
    build: ([x]) => eyeLike(x!, k),
    reference: ([x]) => array(x!.shape, ([i, j]) => Number(j! - i! === k)),
  })
}
