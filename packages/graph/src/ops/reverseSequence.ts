import { apply1, defineOp } from '../op.js'
import type { Tensor } from '../tensor.js'

/** Reverses the first `lengths[b]` elements of each batch item along the time axis; the rest stays. ONNX ReverseSequence-10. */
export const ReverseSequence = defineOp({
  type: 'ReverseSequence',
  since: 10,
  attributes: { batch_axis: { kind: 'int', default: 1 }, time_axis: { kind: 'int', default: 0 } },
  infer: (context) => {
    const [x, lengths] = [context.input(0), context.input(1)]
    if (x.rank < 2) context.fail('expected a batch axis and a time axis.')
    if (lengths.rank !== 1 || lengths.dtype !== 'int64') context.fail('expected int64 lengths of shape [B].')
    return [{ dtype: x.dtype, shape: x.shape }]
  },
  // It is its own inverse.
  grad: ({ dy, inputs, node }) => [apply1(ReverseSequence, [dy, inputs[1]], node.attributes), null],
})

/**
 * x `[B, T, ...]` with the first `lengths[b]` frames of item b reversed and its padding left in place.
 *
 * @param lengths - int64 `[B]`
 */
export const reverseSequence = (x: Tensor, lengths: Tensor): Tensor =>
  apply1(ReverseSequence, [x, lengths], { batch_axis: 0, time_axis: 1 })
