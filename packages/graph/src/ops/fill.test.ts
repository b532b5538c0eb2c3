import { checkOp, EDGE_SIZES } from '../../test/opCheck.js'
import { array } from '../../test/referenceArray.js'
import { apply1 } from '../op.js'
import { fill, fullLike, onesLike, range, zerosLike } from './fill.js'
import { constant } from './leaves.js'
import { ops } from './registry.js'
import { dimTensor } from './shape.js'

checkOp('ConstantOfShape', 'fills the shape of a tensor', {
  inputs: [{ shape: ['B', 'T'], differentiable: false }],
  sizes: EDGE_SIZES,
  build: ([x]) => [zerosLike(x!), onesLike(x!), fullLike(x!, -2.5), fill([x!.shape[1]!, 2], 7, 'int64', [x!])],
  reference: ([x], { T }) => [
    array(x!.shape, () => 0),
    array(x!.shape, () => 1),
    array(x!.shape, () => -2.5),
    array([T!, 2], () => 7),
  ],
})
checkOp('Range', 'counts up to a number or a size', {
  inputs: [{ shape: ['B', 'T'], differentiable: false }],
  sizes: EDGE_SIZES,
  build: ([x]) => [
    apply1(ops.Range, [constant(2, 'int64'), constant(9, 'int64'), constant(3, 'int64')]),
    range(dimTensor(x!.shape[1]!, [x!])),
  ],
  reference: (_, { T }) => [array([3], ([i]) => 2 + 3 * i!), array([T!], ([i]) => i!)],
  symbolic: true,
})
checkOp('Range', 'counts down, in fractions and not at all', {
  inputs: [{ shape: [], dtype: 'int64', values: [3, 4] }],
  build: ([n]) => [
    apply1(ops.Range, [constant(1), constant(-1), constant(-0.5)]),
    apply1(ops.Range, [constant(5, 'int64'), constant(0, 'int64'), constant(1, 'int64')]),
    range(n!),
    range(4),
  ],
  reference: () => [
    array([4], ([i]) => 1 - 0.5 * i!),
    array([0], () => 0),
    array([3], ([i]) => i!),
    array([4], ([i]) => i!),
  ],
})
