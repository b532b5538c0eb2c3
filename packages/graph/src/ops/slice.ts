import { addDims, type Dim, subtractDims } from '../dim.js'
import { tensorData } from '../dtype.js'
import { apply1, defineOp, normalizeAxis } from '../op.js'
import type { Tensor } from '../tensor.js'
import { expand } from './expand.js'
import { range, zerosLike } from './fill.js'
import { gather } from './gather.js'
import { constant } from './leaves.js'
import { padConstant } from './pad.js'
import { reshapeTo } from './reshape.js'
import { scatterElements } from './scatter.js'
import { shapeOf } from './shape.js'

// Ends beyond any axis; ONNX spells "to the end" as INT64_MAX or any number past it.
const FAR = 1_000_000_000_000

/** Cuts a strided box out of a tensor; indices clamp, negative ones count from the end. ONNX Slice-13. */
export const Slice = defineOp({
  type: 'Slice',
  since: 13,
  infer: (context) => {
    const x = context.input(0)
    const [starts, ends] = [context.input(1).known, context.input(2).known]
    const count = (starts?.length ?? context.input(1).shape[0]) as number
    const axes =
      (context.inputs[3]?.known as readonly number[] | undefined) ?? Array.from({ length: count }, (_, i) => i)
    const steps = (context.inputs[4]?.known as readonly number[] | undefined) ?? new Array<number>(count).fill(1)
    const shape = [...x.shape]
    axes.forEach((axis, i) => {
      const at = normalizeAxis(axis, x.rank, context)
      shape[at] = slicedLength(x.shape[at]!, starts?.[i], ends?.[i], steps[i]!)
    })
    const known =
      x.known &&
      starts &&
      ends &&
      steps[0] === 1 &&
      axes.length === 1 &&
      typeof starts[0] === 'number' &&
      typeof ends[0] === 'number'
        ? x.known.slice(starts[0], ends[0])
        : undefined
    return [{ dtype: x.dtype, shape, known }]
  },
  evaluate: ([x, starts, ends], node) => {
    if (x!.shape.length !== 1) throw new TypeError('host Slice is for vectors')
    const [start, end] = [Number(starts!.data[0]), Number(ends!.data[0])]
    const values = Array.from(x!.data as ArrayLike<number | bigint>).slice(start, end)
    return [tensorData(values, x!.dtype, node.outputs[0]!.shape as readonly number[])]
  },
  grad: ({ dy, x, inputs }) => {
    const [, starts, ends, axesInput, stepsInput] = inputs
    const knownStarts = starts!.known as readonly number[] | undefined
    const count = (knownStarts?.length ?? starts!.shape[0]) as number
    const axes = (
      (axesInput?.known as readonly number[] | undefined) ?? Array.from({ length: count }, (_, i) => i)
    ).map((a) => (a < 0 ? a + x.rank : a))
    const steps = (stepsInput?.known as readonly number[] | undefined) ?? new Array<number>(count).fill(1)
    if (steps.every((step) => step === 1) && knownStarts && typeof knownStarts[0] === 'number') {
      const pads = boxPads(x, dy, knownStarts, ends!.known, axes)
      if (pads) return [reshapeTo(padConstant(dy, constant(pads, 'int64')), x.shape, [x])]
    }
    // Any other box: slice the positions the same way and add the gradient there, one axis after the other.
    let d = dy
    for (let i = axes.length - 1; i >= 0; i--) {
      const axis = axes[i]!
      const positions = apply1(Slice, [
        range(gather(shapeOf(x), constant(axis, 'int64'))),
        gather(starts!, constant([i], 'int64')),
        gather(ends!, constant([i], 'int64')),
        constant([0], 'int64'),
        constant([steps[i]!], 'int64'),
      ])
      const target = d.shape.map((dim, a) => (a === axis ? x.shape[axis]! : dim))
      const full = zerosFor(target, d, x)
      const shaped = reshapeTo(
        positions,
        d.shape.map((_, a): Dim => (a === axis ? -1 : 1)),
        [positions],
      )
      d = scatterElements(full, expand(shaped, d.shape, [d]), d, axis)
    }
    return [d]
  },
})

function zerosFor(dims: readonly Dim[], d: Tensor, x: Tensor): Tensor {
  if (dims.every((dim, i) => dim === x.shape[i])) return zerosLike(x)
  return expand(constant(0, d.dtype), dims, [d, x])
}

// Begin and end padding that puts a contiguous box back in place, when both are numbers.
function boxPads(
  x: Tensor,
  dy: Tensor,
  starts: readonly Dim[],
  ends: readonly Dim[] | undefined,
  axes: readonly number[],
): number[] | undefined {
  const pads = new Array<number>(2 * x.rank).fill(0)
  for (const [i, axis] of axes.entries()) {
    const [size, kept, start] = [x.shape[axis]!, dy.shape[axis]!, starts[i]!]
    if (typeof start !== 'number') return undefined
    const whole = typeof size === 'number'
    if (!whole && start < 0) {
      // The last -start elements: everything before is padding of unknown length.
      return undefined
    }
    const from = whole ? Math.min(Math.max(start < 0 ? start + size : start, 0), size) : start
    const end = ends?.[i]
    const after =
      whole && typeof kept === 'number'
        ? size - from - kept
        : typeof end === 'number' && end < 0
          ? -end
          : typeof end === 'number' && end >= FAR
            ? 0
            : undefined
    if (after === undefined) return undefined
    pads[axis] = from
    pads[axis + x.rank] = after
  }
  return pads
}

function slicedLength(size: Dim, start: Dim | undefined, end: Dim | undefined, step: number): Dim {
  if (typeof size === 'number' && typeof start === 'number' && typeof end === 'number') {
    const clamp = (i: number, low: number, high: number) => Math.min(Math.max(i < 0 ? i + size : i, low), high)
    const [from, to] =
      step > 0
        ? [clamp(start, 0, size), clamp(end, 0, size)]
        : [clamp(start, 0, size - 1), end < -FAR / 2 ? -1 : clamp(end, -1, size - 1)]
    return Math.max(0, Math.ceil((to - from) / step))
  }
  if (start === undefined || end === undefined) return `slice_${unknownSlices++}`
  const atEnd = typeof end === 'number' && end >= FAR
  if (step === -1 && start === -1 && typeof end === 'number' && end <= -FAR) return size
  if (step === 1) {
    // Symbolic sizes are taken to be long enough for the box.
    const from = typeof start === 'number' && start < 0 ? addDims(size, start) : start
    const to = atEnd || end === size ? size : typeof end === 'number' && end < 0 ? addDims(size, end) : end
    return subtractDims(to, from)
  }
  return `slice_${unknownSlices++}`
}

let unknownSlices = 0

/** A strided box: one entry per axis that is cut. */
export interface SliceBox {
  readonly axes: readonly number[]
  readonly starts: readonly number[]
  /** Exclusive; any number past the end means the end. */
  readonly ends: readonly number[]
  readonly steps?: readonly number[]
}

/** The box `box` of x. */
export function slice(x: Tensor, box: SliceBox): Tensor {
  const limit = (value: number) => Math.min(Math.max(value, -FAR * 2), FAR * 2)
  return apply1(Slice, [
    x,
    constant(box.starts.map(limit), 'int64'),
    constant(box.ends.map(limit), 'int64'),
    constant([...box.axes], 'int64'),
    box.steps ? constant([...box.steps], 'int64') : null,
  ])
}

/** Elements `start` to `end` (exclusive) along one axis. */
export const narrow = (x: Tensor, axis: number, start: number, end: number = FAR): Tensor =>
  slice(x, { axes: [axis], starts: [start], ends: [end] })
