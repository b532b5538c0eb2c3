import { apply1, defineOp } from '../op.js'
import type { Tensor } from '../tensor.js'
import { constant } from './leaves.js'

/** Running sums along an axis, optionally excluding the element itself, optionally from the end. ONNX CumSum-14. */
export const CumSum = defineOp({
  type: 'CumSum',
  since: 14,
  attributes: { exclusive: { kind: 'int', default: 0 }, reverse: { kind: 'int', default: 0 } },
  infer: (context) => [{ dtype: context.input(0).dtype, shape: context.input(0).shape }],
  grad: ({ dy, inputs, node }) => {
    const { exclusive, reverse } = node.attributes as { exclusive: number; reverse: number }
    return [apply1(CumSum, [dy, inputs[1]], { exclusive, reverse: 1 - reverse }), null]
  },
})

/** Running sums of x along `axis`. */
export const cumSum = (x: Tensor, axis: number, options: { exclusive?: boolean; reverse?: boolean } = {}): Tensor =>
  apply1(CumSum, [x, constant(axis, 'int64')], {
    exclusive: options.exclusive ? 1 : 0,
    reverse: options.reverse ? 1 : 0,
  })
