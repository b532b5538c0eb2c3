import type { DType } from '../../../dtype.js'
import { add, div, maximum, minimum, mul, sub } from '../../../ops/arithmetic.js'
import { cast } from '../../../ops/cast.js'
import { clip } from '../../../ops/clip.js'
import { equal } from '../../../ops/comparison.js'
import { matMul } from '../../../ops/matMul.js'
import { reduceMax, reduceMin } from '../../../ops/reduction.js'
import { reshapeTo } from '../../../ops/reshape.js'
import { round } from '../../../ops/rounding.js'
import { where } from '../../../ops/where.js'
import type { Tensor } from '../../../tensor.js'
import type { ImportedNode } from '../importedNode.js'
import { type RuleTable, rule } from '../importRule.js'
import { castTarget } from './castTarget.js'
import { convolve } from './convolution.js'

const ranges: Partial<Record<DType, readonly [number, number]>> = {
  int8: [-128, 127],
  uint8: [0, 255],
  int16: [-32768, 32767],
  uint16: [0, 65535],
}

// One number per slice of an axis of x, shaped to broadcast against x.
function alongAxis(values: Tensor, x: Tensor, axis: number): Tensor {
  if (values.rank !== 1 || values.shape[0] === 1) return values
  const at = axis < 0 ? axis + x.rank : axis
  return reshapeTo(values, [values.shape[0]!, ...x.shape.slice(at + 1).map(() => 1)], [values])
}

/** (x - zero) scale */
function dequantized(x: Tensor, scale: Tensor, zero: Tensor | null, axis: number): Tensor {
  const values = cast(x, scale.dtype)
  const shifted = zero ? sub(values, cast(alongAxis(zero, x, axis), scale.dtype)) : values
  return mul(shifted, alongAxis(scale, x, axis))
}

/** round(x / scale) + zero, limited to the integers of `to`; halves round to even. */
function quantized(node: ImportedNode, x: Tensor, scale: Tensor, zero: Tensor | null, to: DType, axis: number): Tensor {
  const range = ranges[to] ?? node.unsupported(`quantisation to ${to} is not supported.`)
  const steps = round(div(x, cast(alongAxis(scale, x, axis), x.dtype)))
  const shifted = zero ? add(steps, cast(alongAxis(zero, x, axis), x.dtype)) : steps
  return cast(clip(shifted, range[0], range[1]), to)
}

function refuseBlocks(node: ImportedNode): void {
  if (node.int('block_size', 0) !== 0) node.unsupported('scales per block are not supported.')
}

function quantizeLinear(node: ImportedNode): Tensor {
  refuseBlocks(node)
  // They change quantisation to 8-bit floats, and the precision of the division.
  node.ignore('saturate', 'precision')
  const declared = node.int('output_dtype', 0)
  const zero = node.optional(2)
  const to = zero?.dtype ?? (declared ? castTarget(node, declared) : 'uint8')
  return quantized(node, node.input(0), node.input(1), zero, to, node.int('axis', 1))
}

function dequantizeLinear(node: ImportedNode): Tensor {
  refuseBlocks(node)
  const y = dequantized(node.input(0), node.input(1), node.optional(2), node.int('axis', 1))
  const declared = node.int('output_dtype', 0)
  return declared ? cast(y, castTarget(node, declared)) : y
}

// The range of x, with 0 in it, becomes 0..255.
function dynamicQuantizeLinear(node: ImportedNode): readonly Tensor[] {
  const x = node.input(0)
  const [low, high] = [minimum(reduceMin(x), 0), maximum(reduceMax(x), 0)]
  const width = div(sub(high, low), 255)
  const scale = where(equal(width, 0), 1, width)
  const zero = cast(clip(round(div(sub(0, low), scale)), 0, 255), 'uint8')
  return [quantized(node, x, scale, zero, 'uint8', 0), scale, zero]
}

// a's scale is per row, b's per column.
function qLinearMatMul(node: ImportedNode): Tensor {
  const [a, b] = [node.input(0), node.input(3)]
  const real = matMul(
    dequantized(a, node.input(1), node.optional(2), -2),
    dequantized(b, node.input(4), node.optional(5), -1),
  )
  const zero = node.input(7)
  return quantized(node, real, node.input(6), zero, zero.dtype, -1)
}

function qLinearConv(node: ImportedNode): Tensor {
  const [x, w] = [node.input(0), node.input(3)]
  const [scaleX, scaleW] = [node.input(1), node.input(4)]
  const real = convolve(
    node,
    dequantized(x, scaleX, node.optional(2), 1),
    dequantized(w, scaleW, node.optional(5), 0),
    node.has(8) ? mul(cast(node.input(8), 'float32'), mul(scaleX, scaleW)) : null,
  )
  const zero = node.input(7)
  return quantized(node, real, node.input(6), zero, zero.dtype, 1)
}

/** Quantised ops, computed in floats: products of 8-bit integers are whole numbers that float32 holds up to 2^24. */
export const quantizationRules: RuleTable = {
  ConvInteger: rule(10, [2, 4], (node) => {
    const whole = (i: number, axis: number): Tensor => {
      const [x, zero] = [cast(node.input(i), 'float32'), node.optional(i + 2)]
      return zero ? sub(x, cast(alongAxis(zero, x, axis), 'float32')) : x
    }
    return cast(convolve(node, whole(0, 1), whole(1, 0), null), 'int32')
  }),
  DequantizeLinear: rule(10, [2, 3], dequantizeLinear),
  DynamicQuantizeLinear: rule(11, 1, dynamicQuantizeLinear),
  MatMulInteger: rule(10, [2, 4], (node) => {
    const whole = (i: number, axis: number): Tensor => {
      const [x, zero] = [cast(node.input(i), 'int32'), node.optional(i + 2)]
      return zero ? sub(x, cast(alongAxis(zero, x, axis), 'int32')) : x
    }
    return matMul(whole(0, -2), whole(1, -1))
  }),
  QLinearConv: rule(10, [8, 9], qLinearConv),
  QLinearMatMul: rule(10, 8, qLinearMatMul),
  QuantizeLinear: rule(10, [2, 3], quantizeLinear),
}
