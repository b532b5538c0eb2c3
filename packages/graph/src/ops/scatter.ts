import { apply1, defineOp, missingGradient, normalizeAxis } from '../op.js'
import type { Tensor } from '../tensor.js'
import { zerosLike } from './fill.js'
import { gatherElements } from './gather.js'

/** How scattered updates meet the value that is there. */
export type ScatterReduction = 'none' | 'add' | 'mul' | 'max' | 'min'

/** A copy of the data with elements along an axis replaced by (or combined with) updates. ONNX ScatterElements-18. */
export const ScatterElements = defineOp({
  type: 'ScatterElements',
  since: 18,
  attributes: { axis: { kind: 'int', default: 0 }, reduction: { kind: 'string', default: 'none' } },
  infer: (context) => {
    const x = context.input(0)
    normalizeAxis(context.attributes.axis as number, x.rank, context)
    if (context.input(1).rank !== x.rank || context.input(2).rank !== x.rank)
      context.fail('data, indices and updates must have one rank.')
    return [{ dtype: x.dtype, shape: x.shape }]
  },
  grad: ({ dy, inputs, node, needs }) => {
    const [, indices, updates] = inputs as readonly [Tensor, Tensor, Tensor]
    const { axis, reduction } = node.attributes as { axis: number; reduction: ScatterReduction }
    if (reduction !== 'add' && reduction !== 'none') missingGradient(node)
    const dx = reduction === 'add' ? dy : scatterElements(dy, indices, zerosLike(updates), axis)
    return [needs(0) ? dx : null, null, needs(2) ? gatherElements(dy, indices, axis) : null]
  },
})

/** x with `updates` put at `indices` along `axis`. */
export const scatterElements = (
  x: Tensor,
  indices: Tensor,
  updates: Tensor,
  axis: number,
  reduction: ScatterReduction = 'none',
): Tensor => apply1(ScatterElements, [x, indices, updates], { axis, reduction })
