import type { Dim } from '../dim.js'
import { allocate, sizeOf } from '../dtype.js'
import { DTypeError } from '../errors.js'
import { apply1, defineOp, type InferContext, normalizeAxis } from '../op.js'
import type { Tensor } from '../tensor.js'
import { cast } from './cast.js'
import { concat } from './concat.js'
import { expand } from './expand.js'
import { range, zerosLike } from './fill.js'
import { reshapeTo } from './reshape.js'
import { scatterElements, scatterND } from './scatter.js'
import { dimTensor } from './shape.js'

/** Picks slices along an axis by index. Negative indices count from the end. ONNX Gather-13. */
export const Gather = defineOp({
  type: 'Gather',
  since: 13,
  attributes: { axis: { kind: 'int', default: 0 } },
  infer: (context) => {
    const [x, indices] = [context.input(0), context.input(1)]
    requireIndices(indices, context)
    const axis = normalizeAxis(context.attributes.axis as number, x.rank, context)
    const shape = [...x.shape.slice(0, axis), ...indices.shape, ...x.shape.slice(axis + 1)]
    const picks = indices.known as readonly number[] | undefined
    const known = x.known && picks?.every((i) => typeof i === 'number') ? picks.map((i) => x.known!.at(i)!) : undefined
    if (known?.some((dim) => dim === undefined)) context.fail(`index outside ${x.known!.length} elements.`)
    return [{ dtype: x.dtype, shape, known }]
  },
  evaluate: ([x, indices], node) => {
    const axis = (node.attribute<number>('axis') + x!.shape.length) % x!.shape.length
    const [size, inner] = [x!.shape[axis]!, sizeOf(x!.shape.slice(axis + 1))]
    const picks = Array.from(indices!.data as ArrayLike<number | bigint>, (i) =>
      Number(i) < 0 ? Number(i) + size : Number(i),
    )
    const outer = sizeOf(x!.shape.slice(0, axis))
    const data = allocate(x!.dtype, outer * picks.length * inner)
    let at = 0
    for (let o = 0; o < outer; o++) {
      for (const pick of picks) {
        for (let i = 0; i < inner; i++) data[at++] = x!.data[(o * size + pick) * inner + i]!
      }
    }
    return [{ dtype: x!.dtype, shape: node.outputs[0]!.shape as readonly number[], data }]
  },
  // Rows that were picked several times receive the sum of their gradients.
  grad: ({ dy, inputs, node }) => {
    const [x, indices] = inputs as readonly [Tensor, Tensor]
    const axis = (node.attribute<number>('axis') + x.rank) % x.rank
    const picked = indices.rank === 1 ? indices : reshapeTo(indices, [-1], [])
    const flat = reshapeTo(dy, [...x.shape.slice(0, axis), ...picked.shape, ...x.shape.slice(axis + 1)], [x, picked])
    const aligned = reshapeTo(
      picked,
      [...new Array<Dim>(axis).fill(1), ...picked.shape, ...new Array<Dim>(x.rank - axis - 1).fill(1)],
      [picked],
    )
    return [scatterElements(zerosLike(x), expand(aligned, flat.shape, [flat]), flat, axis, 'add'), null]
  },
})

function requireIndices(indices: Tensor, context: InferContext): void {
  if (indices.dtype !== 'int64' && indices.dtype !== 'int32') {
    throw new DTypeError(`${context.op.type}: indices must be int64 or int32, found ${indices}.`)
  }
}

/** Picks single elements along an axis: y[i][j] = x[indices[i][j]][j] for axis 0. ONNX GatherElements-13. */
export const GatherElements = defineOp({
  type: 'GatherElements',
  since: 13,
  attributes: { axis: { kind: 'int', default: 0 } },
  infer: (context) => {
    const [x, indices] = [context.input(0), context.input(1)]
    const axis = normalizeAxis(context.attributes.axis as number, x.rank, context)
    requireIndices(indices, context)
    if (x.rank !== indices.rank) context.fail('indices must have the rank of the data.')
    x.shape.forEach((dim, i) => {
      const picked = indices.shape[i]!
      if (i !== axis && typeof dim === 'number' && typeof picked === 'number' && picked > dim)
        context.fail(`axis ${i} of the indices is longer.`)
    })
    return [{ dtype: x.dtype, shape: indices.shape }]
  },
  grad: ({ dy, inputs, node }) => {
    const [x, indices] = inputs as readonly [Tensor, Tensor]
    return [scatterElements(zerosLike(x), indices, dy, node.attribute<number>('axis'), 'add'), null]
  },
})

/**
 * Picks slices by tuples of indices: the last axis of `indices` holds tuples into the axes of x after the first
 * `batch_dims`, which both inputs share. ONNX GatherND-13.
 */
export const GatherND = defineOp({
  type: 'GatherND',
  since: 13,
  attributes: { batch_dims: { kind: 'int', default: 0 } },
  infer: (context) => {
    const [x, indices] = [context.input(0), context.input(1)]
    requireIndices(indices, context)
    const batch = context.attributes.batch_dims as number
    const depth = indices.shape.at(-1)
    if (typeof depth !== 'number') context.fail('the length of the index tuples must be known while building.')
    if (batch + (depth as number) > x.rank)
      context.fail(`tuples of ${depth} indices after ${batch} batch axes do not fit rank ${x.rank}.`)
    return [{ dtype: x.dtype, shape: [...indices.shape.slice(0, -1), ...x.shape.slice(batch + (depth as number))] }]
  },
  grad: ({ dy, inputs, node }) => {
    const [x, indices] = inputs as readonly [Tensor, Tensor]
    return [scatterND(zerosLike(x), withBatchIndices(indices, node.attribute<number>('batch_dims')), dy, 'add'), null]
  },
})

// Puts the batch position in front of every tuple, as ScatterND knows no batch axes.
function withBatchIndices(indices: Tensor, batch: number): Tensor {
  const column = [...indices.shape.slice(0, -1), 1]
  const positions = column.slice(0, batch).map((size, axis) => {
    const along = column.map((_, i): Dim => (i === axis ? size : 1))
    return expand(reshapeTo(cast(range(dimTensor(size, [indices])), indices.dtype), along, [indices]), column, [
      indices,
    ])
  })
  return concat([...positions, indices], -1)
}

/** Slices of x along `axis` at int64 `indices`. */
export const gather = (x: Tensor, indices: Tensor, axis = 0): Tensor => apply1(Gather, [x, indices], { axis })
/** Elements of x along `axis` at int64 `indices`, which have x's rank. */
export const gatherElements = (x: Tensor, indices: Tensor, axis: number): Tensor =>
  apply1(GatherElements, [x, indices], { axis })
/** Slices of x at tuples of int64 indices, the last axis of `indices`; the first `batchDims` axes are shared. */
export const gatherND = (x: Tensor, indices: Tensor, batchDims = 0): Tensor =>
  apply1(GatherND, [x, indices], { batch_dims: batchDims })
