import { addDims, broadcastDim, type Dim } from '../dim.js'
import { allocate, type TensorData } from '../dtype.js'
import { apply1, applyOp, defineOp, normalizeAxis, sameDType } from '../op.js'
import type { Tensor } from '../tensor.js'
import { zerosLike } from './fill.js'
import { gather } from './gather.js'
import { constant } from './leaves.js'
import { reshapeTo } from './reshape.js'
import { shapeOf } from './shape.js'

/** Joins tensors along an axis. ONNX Concat-13. */
export const Concat = defineOp({
  type: 'Concat',
  since: 13,
  attributes: { axis: { kind: 'int' } },
  infer: (context) => {
    const first = context.input(0)
    const axis = normalizeAxis(context.attributes.axis as number, first.rank, context)
    const dtype = sameDType(
      context,
      context.inputs.map((_, i) => i),
    )
    const shape = [...first.shape]
    for (const other of context.inputs.slice(1)) {
      if (other!.rank !== first.rank) context.fail('all inputs must have the same rank.')
      other!.shape.forEach((dim, i) => {
        const joined =
          i === axis
            ? addDims(shape[i]!, dim)
            : shape[i] === dim
              ? dim
              : typeof dim === 'number' && typeof shape[i] === 'number'
                ? undefined
                : broadcastDim(shape[i]!, dim)
        if (joined === undefined) context.fail(`axis ${i} differs: ${shape[i]} and ${dim}.`)
        shape[i] = joined!
      })
    }
    const known =
      first.rank === 1 && context.inputs.every((t) => t!.known)
        ? context.inputs.flatMap((t): readonly Dim[] => t!.known!)
        : undefined
    return [{ dtype, shape, known }]
  },
  evaluate: (inputs, node) => {
    const parts = inputs as readonly TensorData[]
    const shape = node.outputs[0]!.shape as readonly number[]
    const axis = (node.attribute<number>('axis') + shape.length) % shape.length
    const outer = shape.slice(0, axis).reduce((n, d) => n * d, 1)
    const data = allocate(
      parts[0]!.dtype,
      shape.reduce((n, d) => n * d, 1),
    )
    let at = 0
    for (let o = 0; o < outer; o++) {
      for (const part of parts) {
        const row = part.data.length / outer
        data.set(part.data.subarray(o * row, (o + 1) * row) as never, at)
        at += row
      }
    }
    return [{ dtype: parts[0]!.dtype, shape, data }]
  },
  grad: ({ dy, inputs, node }) => {
    if (inputs.length === 1) return [dy]
    const axis = node.attribute<number>('axis')
    const sizes = inputs.map((x) => x!.shape.at(axis)!)
    const lengths = sizes.every((size) => typeof size === 'number')
      ? constant(sizes as number[], 'int64')
      : concat(
          inputs.map((x) =>
            reshapeTo(gather(shapeOf(x!), constant(axis < 0 ? axis + x!.rank : axis, 'int64')), [1], []),
          ),
          0,
        )
    return applyOp(Split, [dy, lengths], { axis }, inputs.length)
  },
})

/** Cuts a tensor along an axis into parts of given (or equal) sizes. ONNX Split-18. */
export const Split = defineOp({
  type: 'Split',
  since: 18,
  attributes: { axis: { kind: 'int', default: 0 }, num_outputs: { kind: 'int' } },
  infer: (context) => {
    const x = context.input(0)
    const axis = normalizeAxis(context.attributes.axis as number, x.rank, context)
    const size = x.shape[axis]!
    const count = (context.attributes.num_outputs as number | undefined) ?? context.outputCount
    let sizes: readonly Dim[]
    const given = context.inputs[1]
    if (given) {
      sizes = given.known ?? new Array(count).fill(0).map((_, i) => `split${i}_${unknownSplits++}`)
    } else {
      if (typeof size !== 'number') context.fail(`axis ${axis} has size ${size}; give the sizes of the parts.`)
      const part = Math.ceil((size as number) / count)
      sizes = new Array(count).fill(part).map((p, i) => Math.max(0, Math.min(p, (size as number) - i * p)))
    }
    const total = sizes.reduce(addDims, 0)
    if (typeof total === 'number' && typeof size === 'number' && total !== size) {
      context.fail(`the parts ${sizes.join(' + ')} do not add up to ${size}.`)
    }
    return sizes.map((part) => ({ dtype: x.dtype, shape: x.shape.map((dim, i) => (i === axis ? part : dim)) }))
  },
  grad: ({ dys, outputs, node }) => [
    concat(
      outputs.map((y, i) => dys[i] ?? zerosLike(y)),
      node.attribute<number>('axis'),
    ),
    null,
  ],
})

let unknownSplits = 0

/** Tensors joined along `axis`; one tensor is returned as it is. */
export const concat = (tensors: readonly Tensor[], axis: number): Tensor =>
  tensors.length === 1 ? tensors[0]! : apply1(Concat, tensors, { axis })

/**
 * x cut along `axis`.
 *
 * @param sizes - Size of each part, or the number of equal parts.
 */
export function split(x: Tensor, sizes: number | readonly number[], axis: number): readonly Tensor[] {
  if (typeof sizes === 'number') {
    const size = x.dim(axis)
    if (typeof size === 'number' && size % sizes === 0)
      return split(x, new Array<number>(sizes).fill(size / sizes), axis)
    return applyOp(Split, [x], { axis, num_outputs: sizes }, sizes)
  }
  return applyOp(Split, [x, constant([...sizes], 'int64')], { axis }, sizes.length)
}
