import { addDims, type Dim, floorDivideDims, multiplyDims, subtractDims } from '../dim.js'
import { type Attributes, apply1, defineOp, type InferContext, sameDType } from '../op.js'
import type { Tensor } from '../tensor.js'
import { concat } from './concat.js'
import { constant } from './leaves.js'
import { padConstant } from './pad.js'
import { reduceSum } from './reduction.js'
import { reshapeTo } from './reshape.js'
import { dimTensor } from './shape.js'
import { flip, slice } from './slice.js'
import { transpose } from './transpose.js'

/** Geometry of a convolution over `n` spatial axes. `pads` lists all begins, then all ends, as ONNX does. */
export interface ConvGeometry {
  readonly group: number
  readonly strides: readonly number[]
  readonly dilations: readonly number[]
  readonly pads: readonly number[]
}

export const convAttributes = {
  auto_pad: { kind: 'string', default: 'NOTSET' },
  group: { kind: 'int', default: 1 },
  kernel_shape: { kind: 'ints' },
  strides: { kind: 'ints' },
  dilations: { kind: 'ints' },
  pads: { kind: 'ints' },
} as const

/** Geometry of a node, defaults filled in. */
export function geometryOf(attributes: Attributes, spatial: number): ConvGeometry {
  const ones = new Array<number>(spatial).fill(1)
  return {
    group: attributes.group as number,
    strides: (attributes.strides as readonly number[] | undefined) ?? ones,
    dilations: (attributes.dilations as readonly number[] | undefined) ?? ones,
    pads: (attributes.pads as readonly number[] | undefined) ?? new Array<number>(2 * spatial).fill(0),
  }
}

/** Frames that a window of `kernel` taps gives: floor((L + pads - dilation (k - 1) - 1) / stride) + 1. */
export function convLength(length: Dim, kernel: Dim, axis: number, geometry: ConvGeometry): Dim {
  const spatial = geometry.strides.length
  const padded = addDims(length, geometry.pads[axis]! + geometry.pads[axis + spatial]!)
  const reach = addDims(multiplyDims(subtractDims(kernel, 1), geometry.dilations[axis]!), 1)
  return addDims(floorDivideDims(subtractDims(padded, reach), geometry.strides[axis]!), 1)
}

function checkGeometry(context: InferContext, spatial: number): ConvGeometry {
  const { auto_pad } = context.attributes as { auto_pad: string }
  if (auto_pad !== 'NOTSET') context.fail(`auto_pad ${auto_pad} is not supported here; give explicit pads.`)
  const geometry = geometryOf(context.attributes, spatial)
  if (
    geometry.strides.length !== spatial ||
    geometry.dilations.length !== spatial ||
    geometry.pads.length !== 2 * spatial
  ) {
    context.fail(`expected ${spatial} strides, ${spatial} dilations and ${2 * spatial} pads.`)
  }
  if ([...geometry.strides, ...geometry.dilations, geometry.group].some((v) => !Number.isInteger(v) || v < 1)) {
    context.fail('strides, dilations and group must be whole numbers >= 1.')
  }
  return geometry
}

/**
 * Convolution (cross-correlation) of `[B, I, ...L]` with `[O, I/group, ...k]` and an optional bias `[O]`. ONNX Conv-11.
 */
export const Conv = defineOp({
  type: 'Conv',
  since: 11,
  attributes: convAttributes,
  infer: (context) => {
    const [x, w] = [context.input(0), context.input(1)]
    const dtype = sameDType(context, [0, 1])
    const spatial = x.rank - 2
    if (spatial < 1 || w.rank !== x.rank)
      context.fail('expected data [B, I, ...L] and weight [O, I/group, ...k] of one rank.')
    const geometry = checkGeometry(context, spatial)
    const [channels, perGroup, out] = [x.shape[1]!, w.shape[1]!, w.shape[0]!]
    if (typeof channels === 'number' && typeof perGroup === 'number' && channels !== perGroup * geometry.group) {
      context.fail(`${channels} channels cannot feed ${geometry.group} group(s) of ${perGroup}.`)
    }
    if (typeof out === 'number' && out % geometry.group !== 0)
      context.fail(`${out} filters cannot form ${geometry.group} groups.`)
    const bias = context.inputs[2]
    if (
      bias &&
      (bias.rank !== 1 || (typeof bias.shape[0] === 'number' && typeof out === 'number' && bias.shape[0] !== out))
    ) {
      context.fail(`expected a bias of [${out}].`)
    }
    const lengths = x.shape.slice(2).map((length, axis) => {
      const result = convLength(length, w.shape[axis + 2]!, axis, geometry)
      if (typeof result === 'number' && result < 0)
        context.fail(`the kernel is longer than the padded axis ${axis + 2}.`)
      return typeof result === 'number' ? Math.max(0, result) : result
    })
    return [{ dtype, shape: [x.shape[0]!, out, ...lengths] }]
  },
  grad: ({ dy, inputs, needs, node }) => {
    const [x, w, bias] = inputs as readonly [Tensor, Tensor, Tensor | undefined]
    const geometry = geometryOf(node.attributes, x.rank - 2)
    return [
      needs(0) ? convInputGradient(dy, w, x, geometry) : null,
      needs(1) ? convWeightGradient(x, dy, w, geometry) : null,
      bias && needs(2) ? reduceSum(dy, channelsLast(dy)) : null,
    ]
  },
})

// Every axis but the channels.
const channelsLast = (x: Tensor): number[] => x.shape.flatMap((_, axis) => (axis === 1 ? [] : [axis]))

const gradientAttributes = {
  group: convAttributes.group,
  strides: convAttributes.strides,
  dilations: convAttributes.dilations,
  pads: convAttributes.pads,
} as const

/**
 * Gradient of Conv with respect to its data: inputs dy, weight and x (for its shape). Defined as a convolution of dy,
 * spread out by the strides, with the flipped kernel.
 */
export const ConvInputGradient = defineOp({
  type: 'ConvInputGradient',
  domain: 'nemo',
  since: 1,
  attributes: gradientAttributes,
  infer: (context) => [{ dtype: context.input(0).dtype, shape: context.input(2).shape }],
  decompose: (node, inputs) => {
    const [dy, w, x] = inputs as readonly [Tensor, Tensor, Tensor]
    const geometry = geometryOf(node.attributes, x.rank - 2)
    return [inputGradientAsConv(dy, w, x, geometry)]
  },
  // The map is linear in dy and in w; its transpose in dy is the convolution itself.
  grad: ({ dy: d, inputs, needs, node }) => {
    const [dy, w] = inputs as readonly [Tensor, Tensor, Tensor]
    const geometry = geometryOf(node.attributes, dy.rank - 2)
    return [
      needs(0) ? conv(d, w, undefined, geometry) : null,
      needs(1) ? convWeightGradient(d, dy, w, geometry) : null,
      null,
    ]
  },
})

/**
 * Gradient of Conv with respect to its weight: inputs x, dy and weight (for its shape). Defined as a convolution in
 * which batch and channels trade places and dy is the kernel.
 */
export const ConvWeightGradient = defineOp({
  type: 'ConvWeightGradient',
  domain: 'nemo',
  since: 1,
  attributes: gradientAttributes,
  infer: (context) => [{ dtype: context.input(0).dtype, shape: context.input(2).shape }],
  decompose: (node, inputs) => {
    const [x, dy, w] = inputs as readonly [Tensor, Tensor, Tensor]
    return [weightGradientAsConv(x, dy, w, geometryOf(node.attributes, x.rank - 2))]
  },
  grad: ({ dy: d, inputs, needs, node }) => {
    const [x, dy] = inputs as readonly [Tensor, Tensor, Tensor]
    const geometry = geometryOf(node.attributes, x.rank - 2)
    return [
      needs(0) ? convInputGradient(dy, d, x, geometry) : null,
      needs(1) ? conv(x, d, undefined, geometry) : null,
      null,
    ]
  },
})

/** `[O, I/g, ...k]` -> `[I, O/g, ...k]` with every kernel axis reversed. */
export function flippedWeight(w: Tensor, group: number): Tensor {
  const kernelAxes = w.shape.slice(2).map((_, i) => i + 2)
  const flipped = kernelAxes.every((axis) => w.shape[axis] === 1) ? w : flip(w, kernelAxes)
  const [out, perGroup] = [w.shape[0]!, w.shape[1]!]
  if (group === 1) return transpose(flipped, [1, 0, ...kernelAxes])
  const kernel = w.shape.slice(2)
  if (perGroup === 1 && out === group) return flipped
  const outPerGroup = floorDivideDims(out, group)
  const split = reshapeTo(flipped, [group, outPerGroup, perGroup, ...kernel], [w])
  const swapped = transpose(split, [0, 2, 1, ...kernelAxes.map((axis) => axis + 1)])
  return reshapeTo(swapped, [multiplyDims(perGroup, group), outPerGroup, ...kernel], [w])
}

function inputGradientAsConv(dy: Tensor, w: Tensor, x: Tensor, geometry: ConvGeometry): Tensor {
  const spatial = x.rank - 2
  const kernel = w.shape.slice(2) as readonly number[]
  let spread = dy
  const before: number[] = []
  const after: Dim[] = []
  for (let axis = 0; axis < spatial; axis++) {
    const stride = geometry.strides[axis]!
    if (stride > 1) spread = spreadAxis(spread, axis + 2, stride)
    const reach = geometry.dilations[axis]! * (kernel[axis]! - 1)
    before.push(reach - geometry.pads[axis]!)
    // The stride may leave samples at the end that no window covers; they get zeros.
    const covered = addDims(spread.shape[axis + 2]!, reach)
    after.push(addDims(subtractDims(x.shape[axis + 2]!, covered), geometry.pads[axis]! + reach))
  }
  const flipped = flippedWeight(w, geometry.group)
  const ones = new Array<number>(spatial).fill(1)
  if (after.every((pad) => typeof pad === 'number') && [...before, ...(after as number[])].every((pad) => pad >= 0)) {
    return conv(spread, flipped, undefined, {
      group: geometry.group,
      strides: ones,
      dilations: geometry.dilations,
      pads: [...before, ...(after as number[])],
    })
  }
  const ends = after.map((pad) => reshapeTo(dimTensor(pad, [x, dy, spread]), [1], []))
  const pads = concat([constant([0, 0, ...before, 0, 0], 'int64'), ...ends], 0)
  const padded = padConstant(spread, pads, [
    x.shape[0]!,
    dy.shape[1]!,
    ...x.shape.slice(2).map((length, axis) => addDims(length, geometry.dilations[axis]! * (kernel[axis]! - 1))),
  ])
  return conv(padded, flipped, undefined, {
    group: geometry.group,
    strides: ones,
    dilations: geometry.dilations,
    pads: new Array<number>(2 * spatial).fill(0),
  })
}

// a b c -> a 0 0 b 0 0 c for stride 3.
function spreadAxis(x: Tensor, axis: number, stride: number): Tensor {
  const length = x.shape[axis]!
  const [before, after] = [x.shape.slice(0, axis), x.shape.slice(axis + 1)]
  const column = reshapeTo(x, [...before, length, 1, ...after], [x])
  const zeros = new Array<number>(2 * (x.rank + 1)).fill(0)
  zeros[x.rank + 1 + axis + 1] = stride - 1
  const filled = padConstant(column, constant(zeros, 'int64'))
  const joined = reshapeTo(filled, [...before, multiplyDims(length, stride), ...after], [x, filled])
  return slice(joined, { axes: [axis], starts: [0], ends: [1 - stride] })
}

function weightGradientAsConv(x: Tensor, dy: Tensor, w: Tensor, geometry: ConvGeometry): Tensor {
  const { group } = geometry
  const spatialAxes = x.shape.slice(2).map((_, i) => i)
  const perGroup = w.shape[1]!
  const [batch, out] = [x.shape[0]!, w.shape[0]!]
  const lengths = x.shape.slice(2)
  // [B, g*i, L] -> [i, g*B, L]: groups stay channels, the batch becomes the summed axis.
  const data =
    group === 1
      ? transpose(x, [1, 0, ...spatialAxes.map((i) => i + 2)])
      : reshapeTo(
          transpose(reshapeTo(x, [batch, group, perGroup, ...lengths], [x]), [
            2,
            1,
            0,
            ...spatialAxes.map((i) => i + 3),
          ]),
          [perGroup, multiplyDims(batch, group), ...lengths],
          [x],
        )
  const kernel = transpose(dy, [1, 0, ...spatialAxes.map((i) => i + 2)])
  const wide = conv(data, kernel, undefined, {
    group,
    strides: geometry.dilations,
    dilations: geometry.strides,
    pads: geometry.pads,
  })
  // A stride can leave room for more taps than the kernel has.
  const taps = w.shape.slice(2)
  const exact = wide.shape.slice(2).every((length, i) => length === taps[i])
  const cropped = exact
    ? wide
    : slice(wide, {
        axes: spatialAxes.map((i) => i + 2),
        starts: spatialAxes.map(() => 0),
        ends: taps as readonly number[],
      })
  return reshapeTo(transpose(cropped, [1, 0, ...spatialAxes.map((i) => i + 2)]), [out, perGroup, ...taps], [w])
}

/** Options of `conv`, per spatial axis or one number for all. */
export interface ConvOptions {
  readonly group?: number
  readonly strides?: number | readonly number[]
  readonly dilations?: number | readonly number[]
  /** A number pads both ends of every axis; a list has all begins, then all ends. */
  readonly pads?: number | readonly number[]
}

function perAxis(value: number | readonly number[] | undefined, fallback: number, count: number): readonly number[] {
  if (value === undefined) return new Array<number>(count).fill(fallback)
  return typeof value === 'number' ? new Array<number>(count).fill(value) : value
}

/** Fills in the geometry of a convolution with `spatial` axes. */
export function convGeometry(spatial: number, options: ConvOptions = {}): ConvGeometry {
  return {
    group: options.group ?? 1,
    strides: perAxis(options.strides, 1, spatial),
    dilations: perAxis(options.dilations, 1, spatial),
    pads: perAxis(options.pads, 0, 2 * spatial),
  }
}

/**
 * Convolution over 1, 2 or 3 axes.
 *
 * @param x - `[B, I, ...L]`
 * @param weight - `[O, I / group, ...k]`
 * @param bias - `[O]`
 * @returns `[B, O, ...]`
 */
export function conv(x: Tensor, weight: Tensor, bias?: Tensor, options: ConvOptions = {}): Tensor {
  return apply1(Conv, [x, weight, bias], { ...convGeometry(x.rank - 2, options) })
}

/** Gradient of `conv` with respect to its data; see ConvInputGradient. */
export const convInputGradient = (dy: Tensor, weight: Tensor, x: Tensor, geometry: ConvGeometry): Tensor =>
  apply1(ConvInputGradient, [dy, weight, x], { ...geometry })

/** Gradient of `conv` with respect to its weight; see ConvWeightGradient. */
export const convWeightGradient = (x: Tensor, dy: Tensor, weight: Tensor, geometry: ConvGeometry): Tensor =>
  apply1(ConvWeightGradient, [x, dy, weight], { ...geometry })
