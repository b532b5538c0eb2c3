import { checkOp, EDGE_SIZES } from '../../test/opCheck.js'
import { array, broadcastAt } from '../../test/referenceArray.js'
import { expand, expandLike } from './expand.js'

checkOp('Expand', 'repeats axes of size 1 and adds axes in front', {
  inputs: [{ shape: [3, 1] }, { shape: ['B', 'T'], differentiable: false }],
  sizes: EDGE_SIZES,
  dtypes: ['float32', 'float64'],
  secondOrder: true,
  build: ([x, other]) => expand(x!, [other!.shape[0]!, 3, other!.shape[1]!], [other!]),
  reference: ([x], { B, T }) => array([B!, 3, T!], (i) => broadcastAt(x!, i)),
})
checkOp('Expand', 'repeats a scalar', {
  inputs: [{ shape: [] }, { shape: ['B', 'T'], differentiable: false }],
  sizes: EDGE_SIZES,
  build: ([x, like]) => expandLike(x!, like!),
  reference: ([x], { B, T }) => array([B!, T!], (i) => broadcastAt(x!, i)),
})
