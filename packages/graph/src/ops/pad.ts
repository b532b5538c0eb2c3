import { addDims, type Dim, multiplyDims, subtractDims } from '../dim.js'
import { apply1, defineOp, type InferContext, missingGradient } from '../op.js'
import type { Tensor } from '../tensor.js'
import { add, neg, sub } from './arithmetic.js'
import { constant } from './leaves.js'
import { reduceSum } from './reduction.js'
import { reshapeTo } from './reshape.js'
import { shapeTensor } from './shape.js'
import { narrow, slice } from './slice.js'

/** How Pad fills: a value, the mirror image without the edge, the edge, or the other end. */
export type PadMode = 'constant' | 'reflect' | 'edge' | 'wrap'

/**
 * Grows (or crops, by negative amounts) every axis. `pads` lists all begins, then all ends, of
 * every axis or of `axes` (input 3). ONNX Pad-19.
 */
export const Pad = defineOp({
  type: 'Pad',
  since: 19,
  attributes: { mode: { kind: 'string', default: 'constant' } },
  infer: (context) => {
    const x = context.input(0)
    return [{ dtype: x.dtype, shape: paddedShape(x, context) }]
  },
  grad: ({ dy, x, inputs, node, needs }) => {
    const [, pads, , axes] = inputs as readonly [Tensor, Tensor, Tensor | null | undefined, Tensor | null | undefined]
    const mode = node.attribute<PadMode>('mode')
    const everyPad = padsPerAxis(x.rank, pads, axes)
    if (mode === 'constant') {
      const dx = everyPad
        ? padConstant(
            dy,
            shapeTensor(
              everyPad.map((amount) => multiplyDims(-1, amount)),
              [x, dy],
            ),
          )
        : apply1(PadNamed, [dy, neg(pads), axes], { dims: x.shape.map(String) })
      return [dx, null, needs(2) ? sub(reduceSum(dy), reduceSum(dx)) : null]
    }
    if (everyPad?.every((amount) => typeof amount === 'number' && amount >= 0)) {
      return [foldedGradient(dy, x, everyPad as readonly number[], mode)]
    }
    return missingGradient(node)
  },
})

// All begins, then all ends, when they are known; `axes` lists those that `pads` is about.
function padsPerAxis(rank: number, pads: Tensor, axes: Tensor | null | undefined): readonly Dim[] | undefined {
  if (!pads.known || !axes) return pads.known
  if (!axes.known) return undefined
  const every = new Array<Dim>(2 * rank).fill(0)
  const count = axes.known.length
  axes.known.forEach((axis, i) => {
    const at = ((axis as number) + rank) % rank
    every[at] = pads.known![i]!
    every[at + rank] = pads.known![i + count]!
  })
  return every
}

function paddedShape(x: Tensor, context: InferContext): readonly Dim[] {
  const pads = padsPerAxis(x.rank, context.input(1), context.inputs[3])
  if (!pads) return x.shape.map((_, i) => `pad${i}_${unknownPads++}`)
  if (pads.length !== 2 * x.rank) context.fail(`expected ${2 * x.rank} pads, found ${pads.length}.`)
  return x.shape.map((dim, i) => {
    const size = addDims(dim, addDims(pads[i]!, pads[i + x.rank]!))
    if (typeof size === 'number' && size < 0) context.fail(`axis ${i} would get size ${size}.`)
    return size
  })
}

let unknownPads = 0

/** Constant padding with zeros whose result carries the caller's names for its axes. Decomposes into Pad. */
export const PadNamed = defineOp({
  type: 'PadNamed',
  domain: 'nemo',
  since: 1,
  attributes: { dims: { kind: 'strings' } },
  infer: (context) => [
    {
      dtype: context.input(0).dtype,
      shape: (context.attributes.dims as readonly string[]).map((dim) => (/^-?\d+$/.test(dim) ? Number(dim) : dim)),
    },
  ],
  decompose: (_node, [x, pads, axes]) => [apply1(Pad, [x, pads, null, axes])],
  grad: ({ dy, x, inputs }) => [apply1(PadNamed, [dy, neg(inputs[1]!), inputs[2]], { dims: x.shape.map(String) })],
})

// Each margin is added back onto the samples it repeats: mirrored, at the edge, or at the other end.
function foldedGradient(dy: Tensor, x: Tensor, pads: readonly number[], mode: PadMode): Tensor {
  let d = dy
  for (let axis = 0; axis < x.rank; axis++) {
    const [before, after] = [pads[axis]!, pads[axis + x.rank]!]
    if (before === 0 && after === 0) continue
    const length = x.shape[axis]!
    const [head, tail] = [narrow(d, axis, 0, before), narrow(d, axis, -after)]
    let core = narrow(d, axis, before, after === 0 ? undefined : -after)
    const fold = (margin: Tensor, at: Dim) => {
      core = add(core, placed(margin, axis, at, length, x))
    }
    if (mode === 'edge') {
      if (before > 0) fold(reduceSum(head, axis, true), 0)
      if (after > 0) fold(reduceSum(tail, axis, true), subtractDims(length, 1))
    } else if (mode === 'wrap') {
      if (before > 0) fold(head, subtractDims(length, before))
      if (after > 0) fold(tail, 0)
    } else {
      if (before > 0) fold(reversed(head, axis), 1)
      if (after > 0) fold(reversed(tail, axis), subtractDims(length, after + 1))
    }
    d = core
  }
  return reshapeTo(d, x.shape, [x])
}

const reversed = (x: Tensor, axis: number): Tensor =>
  slice(x, { axes: [axis], starts: [-1], ends: [Number.MIN_SAFE_INTEGER], steps: [-1] })

// Zeros of `length` along an axis with `part` at a position; the other axes stay.
function placed(part: Tensor, axis: number, at: Dim, length: Dim, source: Tensor): Tensor {
  const [before, after] = [part.shape.map((): Dim => 0), part.shape.map((): Dim => 0)]
  before[axis] = at
  after[axis] = subtractDims(subtractDims(length, at), part.shape[axis]!)
  return padConstant(part, shapeTensor([...before, ...after], [source, part]), part.shape.with(axis, length))
}

/**
 * x grown at both ends of its axes.
 *
 * @param pads - `[before, after]` per axis; negative amounts crop.
 * @param mode - `constant` (with `value`, default 0), `reflect`, `edge` or `wrap`; the last three cannot reach past x's own size.
 */
export function pad(
  x: Tensor,
  pads: readonly (readonly [number, number])[],
  mode: PadMode = 'constant',
  value = 0,
): Tensor {
  const list = [...pads.map(([before]) => before), ...pads.map(([, after]) => after)]
  const fillValue = mode === 'constant' && value !== 0 ? constant(value, x.dtype) : null
  return apply1(Pad, [x, constant(list, 'int64'), fillValue], { mode })
}

/** Zero padding by an int64 vector of amounts (all begins, then all ends), with names for the resulting axes. */
export function padConstant(x: Tensor, pads: Tensor, dims?: readonly Dim[]): Tensor {
  return dims && !pads.known ? apply1(PadNamed, [x, pads], { dims: dims.map(String) }) : apply1(Pad, [x, pads])
}
