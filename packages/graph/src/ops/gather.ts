import { broadcastDim, type Dim } from '../dim.js'
import { type TensorData, tensorData } from '../dtype.js'
import { apply1, defineOp, normalizeAxis } from '../op.js'
import type { Tensor } from '../tensor.js'
import { expand } from './expand.js'
import { zerosLike } from './fill.js'
import { reshapeTo } from './reshape.js'
import { scatterElements } from './scatter.js'

/** Picks slices along an axis by index. Negative indices count from the end. ONNX Gather-13. */
export const Gather = defineOp({
  type: 'Gather',
  since: 13,
  attributes: { axis: { kind: 'int', default: 0 } },
  infer: (context) => {
    const [x, indices] = [context.input(0), context.input(1)]
    if (indices.dtype !== 'int64' && indices.dtype !== 'int32') context.fail('indices must be int64 or int32.')
    const axis = normalizeAxis(context.attributes.axis as number, x.rank, context)
    const shape = [...x.shape.slice(0, axis), ...indices.shape, ...x.shape.slice(axis + 1)]
    const picks = indices.known as readonly number[] | undefined
    const known = x.known && picks?.every((i) => typeof i === 'number') ? picks.map((i) => x.known!.at(i)!) : undefined
    if (known?.some((dim) => dim === undefined)) context.fail(`index outside ${x.known!.length} elements.`)
    return [{ dtype: x.dtype, shape, known }]
  },
  evaluate: ([x, indices], node) => {
    if (x!.shape.length !== 1) throw new TypeError('host Gather is for vectors')
    const picks = Array.from(indices!.data as BigInt64Array, Number)
    const values = picks.map((i) => x!.data.at(i)!) as (number | bigint)[]
    return [tensorData(values, x!.dtype, node.outputs[0]!.shape as readonly number[])] as readonly TensorData[]
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

/** Picks single elements along an axis: y[i][j] = x[indices[i][j]][j] for axis 0. ONNX GatherElements-13. */
export const GatherElements = defineOp({
  type: 'GatherElements',
  since: 13,
  attributes: { axis: { kind: 'int', default: 0 } },
  infer: (context) => {
    const [x, indices] = [context.input(0), context.input(1)]
    const axis = normalizeAxis(context.attributes.axis as number, x.rank, context)
    if (x.rank !== indices.rank) context.fail('indices must have the rank of the data.')
    x.shape.forEach((dim, i) => {
      if (i !== axis && broadcastDim(dim, indices.shape[i]!) === undefined) context.fail(`axis ${i} differs.`)
    })
    return [{ dtype: x.dtype, shape: indices.shape }]
  },
  grad: ({ dy, inputs, node }) => {
    const [x, indices] = inputs as readonly [Tensor, Tensor]
    return [scatterElements(zerosLike(x), indices, dy, node.attribute<number>('axis'), 'add'), null]
  },
})

/** Slices of x along `axis` at int64 `indices`. */
export const gather = (x: Tensor, indices: Tensor, axis = 0): Tensor => apply1(Gather, [x, indices], { axis })
/** Elements of x along `axis` at int64 `indices`, which have x's rank. */
export const gatherElements = (x: Tensor, indices: Tensor, axis: number): Tensor =>
  apply1(GatherElements, [x, indices], { axis })
