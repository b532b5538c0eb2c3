import { formatShape } from '../dim.js'
import { apply1, defineOp, missingGradient, normalizeAxis } from '../op.js'
import type { Tensor } from '../tensor.js'
import { zerosLike } from './fill.js'
import { gatherElements, gatherND } from './gather.js'

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
    const dx = () => (reduction === 'add' ? dy : scatterElements(dy, indices, zerosLike(updates), axis))
    return [needs(0) ? dx() : null, null, needs(2) ? gatherElements(dy, indices, axis) : null]
  },
})

/**
 * A copy of the data with slices at tuples of indices (the last axis of `indices`) replaced by, or combined with,
 * updates. ONNX ScatterND-18.
 */
export const ScatterND = defineOp({
  type: 'ScatterND',
  since: 18,
  attributes: { reduction: { kind: 'string', default: 'none' } },
  infer: (context) => {
    const [x, indices, updates] = [context.input(0), context.input(1), context.input(2)]
    const depth = indices.shape.at(-1)
    if (typeof depth !== 'number') context.fail('the length of the index tuples must be known while building.')
    const expected = [...indices.shape.slice(0, -1), ...x.shape.slice(depth as number)]
    if (updates.rank !== expected.length) context.fail(`expected updates of shape ${formatShape(expected)}.`)
    return [{ dtype: x.dtype, shape: x.shape }]
  },
  grad: ({ dy, inputs, node, needs }) => {
    const [, indices, updates] = inputs as readonly [Tensor, Tensor, Tensor]
    const reduction = node.attribute<ScatterReduction>('reduction')
    if (reduction !== 'add' && reduction !== 'none') missingGradient(node)
    const dx = () => (reduction === 'add' ? dy : scatterND(dy, indices, zerosLike(updates)))
    return [needs(0) ? dx() : null, null, needs(2) ? gatherND(dy, indices) : null]
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

/** x with slices `updates` put at tuples of int64 indices, the last axis of `indices`. */
export const scatterND = (x: Tensor, indices: Tensor, updates: Tensor, reduction: ScatterReduction = 'none'): Tensor =>
  apply1(ScatterND, [x, indices, updates], { reduction })
