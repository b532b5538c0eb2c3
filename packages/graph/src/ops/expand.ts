import { broadcastShapes, type Dim, freshDim } from '../dim.js'
import { apply1, defineOp } from '../op.js'
import type { Tensor } from '../tensor.js'
import { shapeOf, shapeTensor } from './shape.js'
import { unbroadcast } from './unbroadcast.js'

/** Broadcasts x to a shape (two-way: axes of size 1 in the shape keep x's size). ONNX Expand-13. */
export const Expand = defineOp({
  type: 'Expand',
  since: 13,
  infer: (context) => {
    const x = context.input(0)
    const target = context.input(1)
    const rank = target.shape[0]
    if (!target.known && typeof rank !== 'number')
      context.fail('the rank of the new shape must be known while building.')
    const sizes = target.known ?? Array.from({ length: rank as number }, () => freshDim('expanded'))
    return [{ dtype: x.dtype, shape: broadcastShapes([x.shape, sizes], 'Expand') }]
  },
  grad: ({ dy, x }) => [unbroadcast(dy, x), null],
})

/** x broadcast to `dims`; symbols are read from x and `sources`. */
export function expand(x: Tensor, dims: readonly Dim[], sources: readonly Tensor[] = []): Tensor {
  if (x.rank === dims.length && x.shape.every((dim, i) => dim === dims[i])) return x
  return apply1(Expand, [x, shapeTensor(dims, [x, ...sources])])
}

/** x broadcast to the shape of `like`. */
export function expandLike(x: Tensor, like: Tensor): Tensor {
  if (x.rank === like.rank && x.shape.every((dim, i) => dim === like.shape[i])) return x
  return apply1(Expand, [x, shapeOf(like)])
}
