import { type Dim, floorDivideDims, freshDim, isStatic, multiplyDims } from '../dim.js'
import { ShapeError } from '../errors.js'
import { apply1, defineOp, type InferContext, missingGradient } from '../op.js'
import type { Node, Tensor } from '../tensor.js'
import { abs, add, div, maximum, mul, sub } from './arithmetic.js'
import { cast } from './cast.js'
import { clip } from './clip.js'
import { equal } from './comparison.js'
import { range } from './fill.js'
import { constant } from './leaves.js'
import { matMul } from './matMul.js'
import { unsqueeze } from './reshape.js'
import { ceil, floor } from './rounding.js'
import { dimTensor, shapeTensor } from './shape.js'
import { swapAxes } from './transpose.js'

/** How a place in the result is found in the data; `i` counts from 0, `scale` is result size / data size. */
export type CoordinateMode = 'asymmetric' | 'half_pixel' | 'pytorch_half_pixel' | 'align_corners'

/**
 * Changes the sizes of axes, by factors (input 2) or to sizes (input 3). Linear and nearest modes have gradients.
 * ONNX Resize-19.
 */
export const Resize = defineOp({
  type: 'Resize',
  since: 19,
  attributes: {
    antialias: { kind: 'int', default: 0 },
    axes: { kind: 'ints' },
    coordinate_transformation_mode: { kind: 'string', default: 'half_pixel' },
    cubic_coeff_a: { kind: 'float', default: -0.75 },
    exclude_outside: { kind: 'int', default: 0 },
    extrapolation_value: { kind: 'float', default: 0 },
    keep_aspect_ratio_policy: { kind: 'string', default: 'stretch' },
    mode: { kind: 'string', default: 'nearest' },
    nearest_mode: { kind: 'string', default: 'round_prefer_floor' },
  },
  infer: (context) => {
    const x = context.input(0)
    return [{ dtype: x.dtype, shape: resizedShape(x, context) }]
  },
  grad: ({ dy, x, node }) => {
    let d = dy
    for (let axis = x.rank - 1; axis >= 0; axis--) {
      if (x.shape[axis] !== dy.shape[axis]) d = alongAxis(d, axis, interpolation(node, x, dy, axis))
    }
    return [d]
  },
})

function resizedShape(x: Tensor, context: InferContext): readonly Dim[] {
  const axes =
    (context.attributes.axes as readonly number[] | undefined)?.map((axis) => (axis + x.rank) % x.rank) ??
    x.shape.map((_, i) => i)
  const [scales, sizes] = [context.inputs[2], context.inputs[3]]
  const shape = [...x.shape]
  if (sizes) {
    axes.forEach((axis, i) => {
      shape[axis] = sizes.known?.[i] ?? freshDim('resized')
    })
    return shape
  }
  const factors = scales?.constant?.data
  if (!scales) context.fail('expected scales or sizes.')
  axes.forEach((axis, i) => {
    const [factor, size] = [factors && Number(factors[i]), shape[axis]!]
    if (factor === undefined) shape[axis] = freshDim('resized')
    else if (typeof size === 'number') shape[axis] = Math.floor(size * factor)
    else if (Number.isInteger(factor)) shape[axis] = multiplyDims(size, factor)
    else shape[axis] = Number.isInteger(1 / factor) ? floorDivideDims(size, 1 / factor) : freshDim('resized')
  })
  return shape
}

// dx = dy W along one axis, W [out, in].
function alongAxis(dy: Tensor, axis: number, weights: Tensor): Tensor {
  return swapAxes(matMul(swapAxes(dy, axis, -1), weights), axis, -1)
}

// The matrix [out, in] by which an axis is resized: the share of each element of the data in each of the result.
function interpolation(node: Node, x: Tensor, y: Tensor, axis: number): Tensor {
  const { mode, nearest_mode, coordinate_transformation_mode } = node.attributes as {
    mode: string
    nearest_mode: string
    coordinate_transformation_mode: string
  }
  if ((mode !== 'nearest' && mode !== 'linear') || node.attributes.antialias !== 0) return missingGradient(node)
  const size = (t: Tensor) => cast(dimTensor(t.shape[axis]!, [t, x, y]), 'float32')
  const [length, target] = [size(x), size(y)]
  const position = (dim: Tensor) => cast(range(cast(dim, 'int64')), 'float32')
  const [i, j] = [position(target), position(length)]
  const scales = node.inputs[2]?.constant?.data
  const axes = node.attributes.axes as readonly number[] | undefined
  const scale = scales ? constant(Number(scales[axes ? axes.indexOf(axis) : axis])) : div(target, length)
  const last = sub(length, 1)
  const place = clip(coordinate(coordinate_transformation_mode, i, scale, length, target, node), 0)
  const column = (t: Tensor) => unsqueeze(t, 1)
  if (mode === 'linear') return maximum(sub(1, abs(sub(column(minimumOf(place, last)), j))), 0)
  const rounded: Record<string, () => Tensor> = {
    floor: () => floor(place),
    ceil: () => ceil(place),
    round_prefer_floor: () => ceil(sub(place, 0.5)),
    round_prefer_ceil: () => floor(add(place, 0.5)),
  }
  const nearest = rounded[nearest_mode]?.() ?? missingGradient(node)
  return cast(equal(column(minimumOf(nearest, last)), j), x.dtype)
}

const minimumOf = (a: Tensor, b: Tensor): Tensor => sub(b, maximum(sub(b, a), 0))

function coordinate(mode: string, i: Tensor, scale: Tensor, length: Tensor, target: Tensor, node: Node): Tensor {
  const halfPixel = () => sub(div(add(i, 0.5), scale), 0.5)
  switch (mode) {
    case 'asymmetric':
      return div(i, scale)
    case 'half_pixel':
      return halfPixel()
    case 'pytorch_half_pixel':
      // A single element sits at 0.
      return mul(halfPixel(), cast(maximum(sub(minimumOf(target, constant(2)), 1), 0), 'float32'))
    case 'align_corners':
      return div(mul(i, sub(length, 1)), maximum(sub(target, 1), 1))
    default:
      return missingGradient(node)
  }
}

/** Options of `resize`. */
export interface ResizeOptions {
  /** Default `nearest`. */
  readonly mode?: 'nearest' | 'linear'
  /** Default `asymmetric` for nearest (PyTorch's `interpolate`), `half_pixel` for linear. */
  readonly coordinates?: CoordinateMode
}

/**
 * x with its axes brought to `dims`.
 *
 * @param dims - One size per axis; symbols are read from x and `sources`.
 * @throws ShapeError if the rank differs.
 */
export function resize(
  x: Tensor,
  dims: readonly Dim[],
  options: ResizeOptions = {},
  sources: readonly Tensor[] = [],
): Tensor {
  if (dims.length !== x.rank) throw new ShapeError(`resize: expected ${x.rank} sizes, found [${dims.join(', ')}].`)
  const { mode = 'nearest', coordinates = mode === 'nearest' ? 'asymmetric' : 'half_pixel' } = options
  if (dims.every((dim, axis) => dim === x.shape[axis])) return x
  const sizes = isStatic(dims) ? constant([...dims], 'int64') : shapeTensor(dims, [x, ...sources])
  return apply1(Resize, [x, null, null, sizes], {
    mode,
    coordinate_transformation_mode: coordinates,
    nearest_mode: 'floor',
  })
}
