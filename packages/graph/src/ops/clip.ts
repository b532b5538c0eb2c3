import { apply1, defineOp } from '../op.js'
import type { Tensor } from '../tensor.js'
import { maximum } from './arithmetic.js'
import { greater, greaterOrEqual, lessOrEqual, logicalAnd, logicalNot } from './comparison.js'
import { lift } from './leaves.js'
import { reduceSum } from './reduction.js'
import { where } from './where.js'

/** x limited to [min, max], both optional scalars. The gradient passes at the limits, as PyTorch's clamp. ONNX Clip-13. */
export const Clip = defineOp({
  type: 'Clip',
  since: 13,
  infer: (context) => [{ dtype: context.input(0).dtype, shape: context.input(0).shape }],
  grad: ({ dy, x, inputs, needs }) => {
    const [, min, max] = inputs
    const above = min ? greaterOrEqual(x, min) : undefined
    const below = max ? lessOrEqual(x, max) : undefined
    const inside = above && below ? logicalAnd(above, below) : (above ?? below)
    // ONNX applies min first, so that max wins where they cross.
    const atMin = () => (below ? logicalAnd(logicalNot(above!), lessOrEqual(min!, max!)) : logicalNot(above!))
    return [
      inside ? where(inside, dy, 0) : dy,
      needs(1) ? reduceSum(where(atMin(), dy, 0)) : null,
      needs(2) ? reduceSum(where(greater(maximum(x, min ?? x), max!), dy, 0)) : null,
    ]
  },
})

/** x limited to [min, max]; either bound may be left out. */
export function clip(x: Tensor, min?: Tensor | number, max?: Tensor | number): Tensor {
  return apply1(Clip, [x, min === undefined ? null : lift(min, x.dtype), max === undefined ? null : lift(max, x.dtype)])
}
