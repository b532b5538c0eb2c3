import { apply1, defineOp, stopsGradient } from '../op.js'
import type { Tensor } from '../tensor.js'
import { constant } from './leaves.js'

/** Keeps the upper (or lower) triangle of the last two axes, from diagonal `k` on; the rest is 0. ONNX Trilu-14. */
export const Trilu = defineOp({
  type: 'Trilu',
  since: 14,
  attributes: { upper: { kind: 'int', default: 1 } },
  infer: (context) => {
    const x = context.input(0)
    if (x.rank < 2) context.fail('expected matrices in the last two axes.')
    return [{ dtype: x.dtype, shape: x.shape }]
  },
  grad: ({ dy, inputs, node }) => [apply1(Trilu, [dy, inputs[1]], node.attributes), null],
})

/** The matrix of x's shape and dtype with ones on diagonal `k`. ONNX EyeLike-9. */
export const EyeLike = defineOp({
  type: 'EyeLike',
  since: 9,
  attributes: { k: { kind: 'int', default: 0 } },
  infer: (context) => {
    const x = context.input(0)
    if (x.rank !== 2) context.fail('expected a matrix.')
    return [{ dtype: x.dtype, shape: x.shape }]
  },
  grad: stopsGradient('depends on the shape only'),
})

/** x with everything below diagonal `k` of the last two axes set to 0. */
export const upperTriangle = (x: Tensor, k = 0): Tensor =>
  apply1(Trilu, [x, k === 0 ? null : constant(k, 'int64')], { upper: 1 })
/** x with everything above diagonal `k` of the last two axes set to 0. */
export const lowerTriangle = (x: Tensor, k = 0): Tensor =>
  apply1(Trilu, [x, k === 0 ? null : constant(k, 'int64')], { upper: 0 })
/** The matrix of x's shape and dtype with ones on diagonal `k`. */
export const eyeLike = (x: Tensor, k = 0): Tensor => apply1(EyeLike, [x], { k })
