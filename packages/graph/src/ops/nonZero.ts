import { freshDim } from '../dim.js'
import { apply1, defineOp, stopsGradient } from '../op.js'
import type { Tensor } from '../tensor.js'

/** Positions of the elements that are not 0, in C order: int64 `[rank, n]`. ONNX NonZero-13. */
export const NonZero = defineOp({
  type: 'NonZero',
  since: 13,
  infer: (context) => [{ dtype: 'int64', shape: [context.input(0).rank, freshDim('nonzero')] }],
  grad: stopsGradient('the output is an index'),
})

/** Positions of the elements that are not 0, in C order: int64 `[rank, n]`. */
export const nonZero = (x: Tensor): Tensor => apply1(NonZero, [x])
