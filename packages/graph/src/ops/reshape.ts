import { type Dim, type Shape as Dims, floorDivideDims, isStatic, productOfDims } from '../dim.js'
import { apply1, defineOp, type InferContext, normalizeAxis } from '../op.js'
import type { OutputSpec, Tensor } from '../tensor.js'
import { constant } from './leaves.js'
import { shapeOf, shapeTensor } from './shape.js'

/**
 * Same elements under another shape; -1 once for "the rest", 0 for "as in the input" unless `allowzero`.
 * ONNX Reshape-19.
 */
export const Reshape = defineOp({
  type: 'Reshape',
  since: 19,
  attributes: { allowzero: { kind: 'int', default: 0 } },
  infer: (context) => {
    const x = context.input(0)
    const target = context.input(1)
    if (!target.known) {
      const rank = target.shape[0]
      if (typeof rank !== 'number') context.fail('the rank of the new shape must be known.')
      return [
        { dtype: x.dtype, shape: new Array(rank as number).fill(0).map((_, i) => `reshape${i}_${unknownReshapes++}`) },
      ]
    }
    const dims = target.known.map((dim, i) =>
      dim === 0 && !context.attributes.allowzero
        ? (x.shape[i] ?? context.fail('0 copies an axis the input does not have.'))
        : dim,
    )
    const wild = dims.indexOf(-1)
    if (wild >= 0) {
      const rest = productOfDims(dims.filter((_, i) => i !== wild))
      const total = productOfDims(x.shape)
      if (typeof total === 'number' && typeof rest === 'number' && (rest === 0 ? total !== 0 : total % rest !== 0)) {
        context.fail(`cannot split ${total} elements into rows of ${rest}.`)
      }
      dims[wild] = rest === 0 ? 0 : floorDivideDims(total, rest)
    } else {
      const [before, after] = [productOfDims(x.shape), productOfDims(dims)]
      if (typeof before === 'number' && typeof after === 'number' && before !== after) {
        context.fail(`expected ${before} elements, the new shape [${dims.join(', ')}] has ${after}.`)
      }
    }
    return [{ dtype: x.dtype, shape: dims, known: dims.length <= 1 ? x.known : undefined }]
  },
  evaluate: ([x], node) => [{ ...x!, shape: node.outputs[0]!.shape as readonly number[] }],
  grad: ({ dy, x }) => [reshapeLike(dy, x), null],
})

let unknownReshapes = 0

/** Collapses axes before and after `axis` into a matrix. ONNX Flatten-13. */
export const Flatten = defineOp({
  type: 'Flatten',
  since: 13,
  attributes: { axis: { kind: 'int', default: 1 } },
  infer: (context) => {
    const x = context.input(0)
    const axis = context.attributes.axis as number
    const at = axis < 0 ? axis + x.rank : axis
    return [{ dtype: x.dtype, shape: [productOfDims(x.shape.slice(0, at)), productOfDims(x.shape.slice(at))] }]
  },
  grad: ({ dy, x }) => [reshapeLike(dy, x)],
})

function knownAxes(context: InferContext, rank: number): number[] {
  const axes = context.input(1).known as readonly number[] | undefined
  if (!axes) context.fail('the axes must be constant.')
  return axes!.map((axis) => normalizeAxis(axis, rank, context))
}

/** Inserts axes of size 1. ONNX Unsqueeze-13. */
export const Unsqueeze = defineOp({
  type: 'Unsqueeze',
  since: 13,
  infer: (context): readonly OutputSpec[] => {
    const x = context.input(0)
    const rank = x.rank + (context.input(1).known?.length ?? 0)
    const axes = knownAxes(context, rank)
    const rest = [...x.shape]
    const shape = new Array<Dim>(rank).fill(1).map((_, i) => (axes.includes(i) ? 1 : rest.shift()!))
    return [{ dtype: x.dtype, shape, known: rank <= 1 ? x.known : undefined }]
  },
  evaluate: ([x], node) => [{ ...x!, shape: node.outputs[0]!.shape as readonly number[] }],
  grad: ({ dy, inputs }) => [apply1(Squeeze, [dy, inputs[1]]), null],
})

/** Removes axes of size 1. ONNX Squeeze-13. */
export const Squeeze = defineOp({
  type: 'Squeeze',
  since: 13,
  infer: (context): readonly OutputSpec[] => {
    const x = context.input(0)
    const axes = context.inputs[1] ? knownAxes(context, x.rank) : x.shape.flatMap((dim, i) => (dim === 1 ? [i] : []))
    for (const axis of axes) {
      const dim = x.shape[axis]!
      if (typeof dim === 'number' && dim !== 1) context.fail(`axis ${axis} has size ${dim}, expected 1.`)
    }
    return [{ dtype: x.dtype, shape: x.shape.filter((_, i) => !axes.includes(i)), known: x.known }]
  },
  evaluate: ([x], node) => [{ ...x!, shape: node.outputs[0]!.shape as readonly number[] }],
  grad: ({ dy, x }) => [reshapeLike(dy, x), null],
})

/**
 * x under another shape.
 *
 * @param dims - Numbers and symbols; -1 once for the rest. Symbols are read from x's shape and from `sources`.
 * @param sources - More tensors whose shapes may name the symbols.
 * @throws ShapeError if the element counts differ or a symbol is unknown.
 */
export function reshapeTo(x: Tensor, dims: Dims, sources: readonly Tensor[]): Tensor {
  if (sameDims(x.shape, dims)) return x
  const [inserted, removed] = [onesInserted(x.shape, dims), onesInserted(dims, x.shape)]
  if (inserted) return unsqueeze(x, inserted)
  if (removed) return squeeze(x, removed)
  const wild = dims.indexOf(-1)
  const rest = wild < 0 ? undefined : productOfDims(dims.filter((_, i) => i !== wild))
  const full = rest === undefined || rest === 0 ? dims : dims.with(wild, floorDivideDims(productOfDims(x.shape), rest))
  // An axis that stays in place is written 0, and one symbol can be left for Reshape to work out as -1; but not both,
  // as nothing can be worked out where an axis turns out empty.
  const inPlace = full.map((dim, i): Dim => (typeof dim === 'string' && x.shape[i] === dim ? 0 : dim))
  const symbols = inPlace.filter((dim) => typeof dim === 'string').length
  const zeroSized = full.includes(0) || x.shape.includes(0)
  if (!zeroSized && (symbols === 0 || (symbols === 1 && !inPlace.includes(0)))) {
    const target = inPlace.map((dim) => (typeof dim === 'string' ? -1 : dim))
    const result = apply1(Reshape, [x, constant(target, 'int64', [target.length])])
    return sameDims(result.shape, full) ? result : nameDims(x, target, full)
  }
  return apply1(Reshape, [x, shapeTensor(full, [x, ...sources])], { allowzero: 1 })
}

const sameDims = (a: Dims, b: Dims): boolean => a.length === b.length && a.every((dim, i) => dim === b[i])

// Places of the axes of size 1 that turn `from` into `to`, if nothing else does.
function onesInserted(from: Dims, to: Dims): number[] | undefined {
  const places: number[] = []
  let at = 0
  for (const [i, dim] of to.entries()) {
    if (at < from.length && from[at] === dim) at++
    else if (dim === 1) places.push(i)
    else return undefined
  }
  return at === from.length ? places : undefined
}

// Reshape would infer a quotient of symbols; the caller knows its shorter name.
function nameDims(x: Tensor, target: number[], dims: Dims): Tensor {
  return apply1(ReshapeNamed, [x, constant(target, 'int64', [target.length])], { dims: dims.map(String) })
}

/** Reshape whose result carries the caller's names for its axes. Decomposes into Reshape. */
export const ReshapeNamed = defineOp({
  type: 'ReshapeNamed',
  domain: 'nemo',
  since: 1,
  attributes: { dims: { kind: 'strings' } },
  infer: (context) => [
    {
      dtype: context.input(0).dtype,
      shape: (context.attributes.dims as readonly string[]).map((dim) => (/^-?\d+$/.test(dim) ? Number(dim) : dim)),
    },
  ],
  decompose: (_node, [x, shape]) => [apply1(Reshape, [x, shape])],
  grad: ({ dy, x }) => [reshapeLike(dy, x), null],
})

/** x with the given dims; see `reshapeTo`. */
export const reshape = (x: Tensor, dims: Dims, sources: readonly Tensor[] = []): Tensor => reshapeTo(x, dims, sources)
/** x with the shape of `like`, which has as many elements. */
export function reshapeLike(x: Tensor, like: Tensor): Tensor {
  if (sameDims(x.shape, like.shape)) return x
  return isStatic(like.shape) ? reshapeTo(x, like.shape, []) : apply1(Reshape, [x, shapeOf(like)], { allowzero: 1 })
}
/** Inserts axes of size 1 at the given places of the result. */
export const unsqueeze = (x: Tensor, axes: number | readonly number[]): Tensor =>
  apply1(Unsqueeze, [x, constant(typeof axes === 'number' ? [axes] : [...axes], 'int64')])
/** Removes the given axes, which have size 1. */
export const squeeze = (x: Tensor, axes: number | readonly number[]): Tensor =>
  apply1(Squeeze, [x, constant(typeof axes === 'number' ? [axes] : [...axes], 'int64')])
/** Collapses the axes before and from `axis` on into a matrix. */
export const flatten = (x: Tensor, axis = 1): Tensor => apply1(Flatten, [x], { axis })
