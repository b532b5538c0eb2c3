import { addDims, type Dim, floorDivideDims, freshDim, isStatic, multiplyDims, productOfDims } from '../dim.js'
import {
  type Attributes,
  apply1,
  applyOp,
  defineOp,
  type GradientContext,
  type InferContext,
  missingGradient,
} from '../op.js'
import type { Tensor } from '../tensor.js'
import { div, mul } from './arithmetic.js'
import { cast } from './cast.js'
import { equal } from './comparison.js'
import { type ConvGeometry, conv, convGeometry, convInputGradient, geometryOf } from './conv.js'
import { expandLike } from './expand.js'
import { fill } from './fill.js'
import { full } from './leaves.js'
import { reduceSum } from './reduction.js'
import { reshapeLike, reshapeTo } from './reshape.js'
import { scatterElements } from './scatter.js'
import { dimTensor } from './shape.js'

const poolAttributes = {
  auto_pad: { kind: 'string', default: 'NOTSET' },
  ceil_mode: { kind: 'int', default: 0 },
  dilations: { kind: 'ints' },
  kernel_shape: { kind: 'ints' },
  pads: { kind: 'ints' },
  strides: { kind: 'ints' },
} as const

function pooledShape(context: InferContext): readonly Dim[] {
  const x = context.input(0)
  const spatial = x.rank - 2
  const { auto_pad, ceil_mode, kernel_shape } = context.attributes as {
    auto_pad: string
    ceil_mode: number
    kernel_shape?: readonly number[]
  }
  if (spatial < 1) context.fail('expected data [B, C, ...L].')
  if (auto_pad !== 'NOTSET') context.fail(`auto_pad ${auto_pad} is not supported here; give explicit pads.`)
  if (kernel_shape?.length !== spatial) context.fail(`expected a kernel of ${spatial} sizes.`)
  const geometry = geometryOf({ ...context.attributes, group: 1 }, spatial)
  if (
    geometry.strides.length !== spatial ||
    geometry.dilations.length !== spatial ||
    geometry.pads.length !== 2 * spatial
  ) {
    context.fail(`expected ${spatial} strides, ${spatial} dilations and ${2 * spatial} pads.`)
  }
  const lengths = x.shape.slice(2).map((length, axis): Dim => {
    const [stride, before, after] = [geometry.strides[axis]!, geometry.pads[axis]!, geometry.pads[axis + spatial]!]
    const reach = geometry.dilations[axis]! * (kernel_shape![axis]! - 1) + 1
    const room = addDims(length, before + after - reach)
    if (typeof room === 'number' && room < 0) context.fail(`the kernel is longer than the padded axis ${axis + 2}.`)
    if (!ceil_mode) return addDims(floorDivideDims(room, stride), 1)
    const frames = addDims(floorDivideDims(addDims(room, stride - 1), stride), 1)
    // A window that would start in the padding at the end is left out; that takes a stride beyond the kernel's reach.
    if (after + stride <= reach) return frames
    if (typeof length !== 'number' || typeof frames !== 'number') return freshDim('pooled')
    return (frames - 1) * stride >= length + before ? frames - 1 : frames
  })
  return [...x.shape.slice(0, 2), ...lengths]
}

/**
 * Largest element of each window of `[B, C, ...L]`; a second output holds its position in the flattened data. The
 * gradient goes to the first of equal elements. ONNX MaxPool-12.
 */
export const MaxPool = defineOp({
  type: 'MaxPool',
  since: 12,
  attributes: { ...poolAttributes, storage_order: { kind: 'int', default: 0 } },
  requiredOutputs: 1,
  infer: (context) => {
    const shape = pooledShape(context)
    const y = { dtype: context.input(0).dtype, shape }
    return context.outputCount > 1 ? [y, { dtype: 'int64', shape }] : [y]
  },
  grad: ({ dy, x, node }) => {
    const positions = node.outputs[1] ?? applyOp(MaxPool, [x], node.attributes, 2)[1]!
    const flat = (t: Tensor) => reshapeTo(t, [productOfDims(t.shape)], [t])
    const zeros = fill([productOfDims(x.shape)], 0, x.dtype, [x])
    return [reshapeLike(scatterElements(zeros, flat(positions), flat(dy), 0, 'add'), x)]
  },
})

/** Mean of each window of `[B, C, ...L]`; padding counts only with `count_include_pad`. ONNX AveragePool-19. */
export const AveragePool = defineOp({
  type: 'AveragePool',
  since: 19,
  attributes: { ...poolAttributes, count_include_pad: { kind: 'int', default: 0 } },
  infer: (context) => [{ dtype: context.input(0).dtype, shape: pooledShape(context) }],
  grad: averageGradient,
})

// Each mean is shared out over its window: a transposed convolution, per channel, of dy / count with a kernel of ones.
function averageGradient({ dy, x, node }: GradientContext): readonly Tensor[] {
  const kernel = node.attribute<readonly number[]>('kernel_shape')
  const spatial = kernel.length
  const geometry = geometryOf({ ...node.attributes, group: 1 }, spatial)
  const ceil = node.attribute<number>('ceil_mode') !== 0
  if (ceil && !(isStatic(x.shape.slice(2)) && isStatic(dy.shape.slice(2)))) return missingGradient(node)
  const fitting = ceil ? coveringGeometry(x, dy, kernel, geometry) : geometry
  const planes = multiplyDims(x.shape[0]!, x.shape[1]!)
  const perPlane = (t: Tensor) => reshapeTo(t, [planes, 1, ...t.shape.slice(2)], [t])
  const ones = full([1, 1, ...kernel], 1, x.dtype)
  const scaled = div(dy, windowCounts(x, kernel, geometry, fitting, node.attributes))
  return [reshapeTo(convInputGradient(perPlane(scaled), ones, perPlane(x), fitting), x.shape, [x])]
}

// With ceil_mode the last windows reach past the padding; padding that much more gives the same number of windows.
function coveringGeometry(x: Tensor, dy: Tensor, kernel: readonly number[], geometry: ConvGeometry): ConvGeometry {
  const spatial = kernel.length
  const pads = [...geometry.pads]
  kernel.forEach((taps, axis) => {
    const reach = geometry.dilations[axis]! * (taps - 1) + 1
    const covered = ((dy.shape[axis + 2] as number) - 1) * geometry.strides[axis]! + reach
    pads[axis + spatial] = covered - (x.shape[axis + 2] as number) - geometry.pads[axis]!
  })
  return { ...geometry, pads }
}

// How many elements each window averages: a number, or [1, 1, ...frames].
function windowCounts(
  x: Tensor,
  kernel: readonly number[],
  geometry: ConvGeometry,
  fitting: ConvGeometry,
  attributes: Attributes,
): Tensor | number {
  const spatial = kernel.length
  const includePad = attributes.count_include_pad !== 0
  const padded = geometry.pads.some((pad) => pad !== 0)
  if (fitting === geometry && (includePad || !padded)) return kernel.reduce((n, taps) => n * taps, 1)
  // Counted elements are ones; with count_include_pad those of the declared padding too.
  const lengths = x.shape
    .slice(2)
    .map((length, axis) =>
      includePad ? addDims(length, geometry.pads[axis]! + geometry.pads[axis + spatial]!) : length,
    )
  const pads = includePad ? fitting.pads.map((pad, i) => pad - geometry.pads[i]!) : fitting.pads
  return conv(fill([1, 1, ...lengths], 1, x.dtype, [x]), full([1, 1, ...kernel], 1, x.dtype), undefined, {
    ...fitting,
    pads,
  })
}

function globalShape(context: InferContext): readonly Dim[] {
  const x = context.input(0)
  if (x.rank < 3) context.fail('expected data [B, C, ...L].')
  return [...x.shape.slice(0, 2), ...new Array<number>(x.rank - 2).fill(1)]
}

/** Mean over all axes after the second, kept as size 1. ONNX GlobalAveragePool-1. */
export const GlobalAveragePool = defineOp({
  type: 'GlobalAveragePool',
  since: 1,
  infer: (context) => [{ dtype: context.input(0).dtype, shape: globalShape(context) }],
  grad: ({ dy, x }) => {
    const count = productOfDims(x.shape.slice(2))
    return [expandLike(div(dy, typeof count === 'number' ? count : cast(dimTensor(count, [x]), dy.dtype)), x)]
  },
})

/** Largest element over all axes after the second; equal ones share the gradient. ONNX GlobalMaxPool-1. */
export const GlobalMaxPool = defineOp({
  type: 'GlobalMaxPool',
  since: 1,
  infer: (context) => [{ dtype: context.input(0).dtype, shape: globalShape(context) }],
  grad: ({ dy, x, y }) => {
    const hits = cast(equal(x, y), dy.dtype)
    const axes = x.shape.slice(2).map((_, i) => i + 2)
    return [mul(hits, div(dy, reduceSum(hits, axes, true)))]
  },
})

/** Options of `maxPool` and `averagePool`, per spatial axis or one number for all. */
export interface PoolOptions {
  readonly kernel: number | readonly number[]
  /** Default: the kernel, as PyTorch's. */
  readonly strides?: number | readonly number[]
  readonly dilations?: number | readonly number[]
  /** A number pads both ends of every axis; a list has all begins, then all ends. Default 0. */
  readonly pads?: number | readonly number[]
  /** Lets a last window hang over the end. Default false. */
  readonly ceilMode?: boolean
}

function pool(x: Tensor, options: PoolOptions): Attributes {
  const spatial = x.rank - 2
  const { kernel, strides = kernel } = options
  const { group: _, ...geometry } = convGeometry(spatial, { ...options, strides })
  return {
    ...geometry,
    kernel_shape: typeof kernel === 'number' ? new Array<number>(spatial).fill(kernel) : kernel,
    ceil_mode: options.ceilMode ? 1 : 0,
  }
}

/** Largest element of each window of `[B, C, ...L]`. */
export const maxPool = (x: Tensor, options: PoolOptions): Tensor => apply1(MaxPool, [x], pool(x, options))

/**
 * Mean of each window of `[B, C, ...L]`.
 *
 * @param options.countIncludePad - Whether padding counts as zeros. Default true, as PyTorch's (ONNX: false).
 */
export const averagePool = (x: Tensor, options: PoolOptions & { readonly countIncludePad?: boolean }): Tensor =>
  apply1(AveragePool, [x], { ...pool(x, options), count_include_pad: options.countIncludePad === false ? 0 : 1 })

/** Mean over all axes of `[B, C, ...L]` after the second, kept as size 1. */
export const globalAveragePool = (x: Tensor): Tensor => apply1(GlobalAveragePool, [x])

/** Largest element over all axes of `[B, C, ...L]` after the second, kept as size 1. */
export const globalMaxPool = (x: Tensor): Tensor => apply1(GlobalMaxPool, [x])
