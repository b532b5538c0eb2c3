import { addDims, type Dim, floorDivideDims, subtractDims } from '../dim.js'
import { allocate, type TensorData } from '../dtype.js'
import { apply1, defineOp, normalizeAxis } from '../op.js'
import type { Tensor } from '../tensor.js'
import { expand } from './expand.js'
import { range, zerosLike } from './fill.js'
import { gather } from './gather.js'
import { constant } from './leaves.js'
import { padConstant } from './pad.js'
import { reshapeTo } from './reshape.js'
import { scatterElements } from './scatter.js'
import { shapeOf, shapeTensor } from './shape.js'

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
  evaluate: ([x, starts, ends, axesInput, stepsInput]) => {
    const integers = (t: TensorData | null | undefined) => t && Array.from(t.data as ArrayLike<number | bigint>, Number)
    const from = integers(starts)!
    const axes = integers(axesInput) ?? from.map((_, i) => i)
    const picks = x!.shape.map((size) => Array.from({ length: size }, (_, i) => i))
    axes.forEach((axis, i) => {
      const at = axis < 0 ? axis + x!.shape.length : axis
      picks[at] = positionsOf(x!.shape[at]!, from[i]!, integers(ends)![i]!, integers(stepsInput)?.[i] ?? 1)
    })
    return [pickBox(x!, picks)]
  },
  grad: ({ dy, x, inputs }) => {
    const [, starts, ends, axesInput, stepsInput] = inputs
    const knownStarts = starts!.known as readonly number[] | undefined
    const count = (knownStarts?.length ?? starts!.shape[0]) as number
    const axes = (
      (axesInput?.known as readonly number[] | undefined) ?? Array.from({ length: count }, (_, i) => i)
    ).map((a) => (a < 0 ? a + x.rank : a))
    const steps = (stepsInput?.known as readonly number[] | undefined) ?? new Array<number>(count).fill(1)
    const knownEnds = ends!.known
    if (steps.every((step, i) => isReversal(step, knownStarts?.[i], knownEnds?.[i])))
      return [apply1(Slice, [dy, ...inputs.slice(1)])]
    if (steps.every((step) => step === 1) && knownStarts?.every((start) => typeof start === 'number')) {
      return [padBack(x, dy, knownStarts, axes)]
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

// Pads a contiguous box to where it was cut out. Symbolic sizes are taken to be long enough for the box.
function padBack(x: Tensor, dy: Tensor, starts: readonly number[], axes: readonly number[]): Tensor {
  const before = new Array<Dim>(x.rank).fill(0)
  const after = new Array<Dim>(x.rank).fill(0)
  axes.forEach((axis, i) => {
    const [size, kept, start] = [x.shape[axis]!, dy.shape[axis]!, starts[i]!]
    const from =
      typeof size === 'number'
        ? Math.min(Math.max(start < 0 ? start + size : start, 0), size)
        : start < 0
          ? addDims(size, start)
          : start
    before[axis] = from
    after[axis] = subtractDims(subtractDims(size, from), kept)
  })
  return padConstant(dy, shapeTensor([...before, ...after], [x, dy]), x.shape)
}

const isReversal = (step: number, start: Dim | undefined, end: Dim | undefined): boolean =>
  step === -1 && start === -1 && typeof end === 'number' && end <= -FAR

// Where a slice begins and ends on an axis of a known size, as ONNX clamps it.
function clampedEnds(size: number, start: number, end: number, step: number): readonly [number, number] {
  const clamp = (i: number, low: number, high: number) => Math.min(Math.max(i < 0 ? i + size : i, low), high)
  return step > 0 ? [clamp(start, 0, size), clamp(end, 0, size)] : [clamp(start, 0, size - 1), clamp(end, -1, size - 1)]
}

function positionsOf(size: number, start: number, end: number, step: number): number[] {
  const [from] = clampedEnds(size, start, end, step)
  return Array.from({ length: slicedLength(size, start, end, step) as number }, (_, i) => from + i * step)
}

function pickBox(x: TensorData, picks: readonly (readonly number[])[]): TensorData {
  let places = [0]
  picks.forEach((list, axis) => {
    places = places.flatMap((place) => list.map((i) => place * x.shape[axis]! + i))
  })
  const data = allocate(x.dtype, places.length)
  places.forEach((place, i) => {
    data[i] = x.data[place]!
  })
  return { dtype: x.dtype, shape: picks.map((list) => list.length), data }
}

function slicedLength(size: Dim, start: Dim | undefined, end: Dim | undefined, step: number): Dim {
  if (typeof size === 'number' && typeof start === 'number' && typeof end === 'number') {
    const [from, to] = clampedEnds(size, start, end, step)
    return Math.max(0, Math.ceil((to - from) / step))
  }
  if (isReversal(step, start, end)) return size
  if (start === undefined || end === undefined || step < 1) return `slice_${unknownSlices++}`
  // Symbolic sizes are taken to be long enough for the box.
  const from = typeof start === 'number' && start < 0 ? addDims(size, start) : start
  const to =
    end === size || (typeof end === 'number' && end >= FAR)
      ? size
      : typeof end === 'number' && end < 0
        ? addDims(size, end)
        : end
  const length = subtractDims(to, from)
  return floorDivideDims(addDims(length, step - 1), step)
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

/** x with the order of its elements along `axes` reversed, as torch.flip. */
export const flip = (x: Tensor, axes: readonly number[]): Tensor =>
  slice(x, { axes, starts: axes.map(() => -1), ends: axes.map(() => -FAR * 2), steps: axes.map(() => -1) })

/** The first `count` elements along one axis; a symbol is read from x and `sources`. */
export const takeFirst = (x: Tensor, axis: number, count: Dim, sources: readonly Tensor[] = []): Tensor =>
  apply1(Slice, [
    x,
    constant([0], 'int64'),
    shapeTensor([count], [x, ...sources]),
    constant([axis < 0 ? axis + x.rank : axis], 'int64'),
    null,
  ])
