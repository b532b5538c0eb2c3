import type { Dim } from '../dim.js'
import { freshDim } from '../dim.js'
import { applyOp, defineOp, normalizeAxis } from '../op.js'
import type { Tensor } from '../tensor.js'
import { zerosLike } from './fill.js'
import { constant } from './leaves.js'
import { scatterElements } from './scatter.js'

/** The k largest (or smallest) elements along an axis, and their int64 positions. ONNX TopK-11. */
export const TopK = defineOp({
  type: 'TopK',
  since: 11,
  attributes: {
    axis: { kind: 'int', default: -1 },
    largest: { kind: 'int', default: 1 },
    sorted: { kind: 'int', default: 1 },
  },
  infer: (context) => {
    const [x, k] = [context.input(0), context.input(1)]
    const axis = normalizeAxis(context.attributes.axis as number, x.rank, context)
    const count: Dim = k.known?.[0] ?? freshDim('top')
    const size = x.shape[axis]!
    if (typeof count === 'number' && typeof size === 'number' && count > size)
      context.fail(`axis ${axis} has only ${size} elements, not ${count}.`)
    const shape = x.shape.with(axis, count)
    return [
      { dtype: x.dtype, shape },
      { dtype: 'int64', shape },
    ]
  },
  grad: ({ dy, x, node, outputs }) => [
    scatterElements(zerosLike(x), outputs[1]!, dy, node.attribute<number>('axis'), 'add'),
    null,
  ],
})

/**
 * The `k` largest elements along `axis` (the last by default), in order, with their int64 positions.
 *
 * @param options.largest - False for the smallest. Default true.
 */
export function topK(
  x: Tensor,
  k: number | Tensor,
  options: { axis?: number; largest?: boolean } = {},
): { values: Tensor; indices: Tensor } {
  const { axis = -1, largest = true } = options
  const count = typeof k === 'number' ? constant([k], 'int64') : k
  const [values, indices] = applyOp(TopK, [x, count], { axis, largest: largest ? 1 : 0 }, 2)
  return { values: values!, indices: indices! }
}
