import { isStatic, productOfDims, type Shape } from '../../../dim.js'
import { fill } from '../../../ops/fill.js'
import { matMul } from '../../../ops/matMul.js'
import { ReduceSum } from '../../../ops/reduction.js'
import { reshapeTo } from '../../../ops/reshape.js'
import type { RewriteRule } from '../../../rewrite/rebuild.js'
import type { Tensor } from '../../../tensor.js'

// Below this many columns ReduceSum is as fast.
const FEWEST_COLUMNS = 1024

/**
 * Sum over leading axes as a row of ones times a matrix: that product streams memory, ONNX Runtime's ReduceSum over
 * leading axes does not (0.3 against 2.0 ms for 16 x 512 x 512).
 */
export const leadingSum: RewriteRule = (node, inputs) => {
  if (node.op !== ReduceSum || !inputs[1]?.known) return undefined
  const x = inputs[0]!
  const axes = (inputs[1].known as readonly number[]).map((axis) => (axis < 0 ? axis + x.rank : axis)).sort()
  const rest = x.shape.slice(axes.length)
  if (x.dtype !== 'float32' || axes.length === 0 || rest.length === 0 || axes.some((axis, i) => axis !== i))
    return undefined
  if (!isStatic(rest) || (productOfDims(rest) as number) < FEWEST_COLUMNS) return undefined
  if (productOfDims(x.shape.slice(0, axes.length)) === 1) return undefined
  return [sumLeading(x, axes.length, node.outputs[0]!.shape)]
}

/** Sums the first `count` axes of a float32 tensor; the result has `shape`. */
export function sumLeading(x: Tensor, count: number, shape: Shape): Tensor {
  const rows = productOfDims(x.shape.slice(0, count))
  const matrix = reshapeTo(x, [rows, productOfDims(x.shape.slice(count))], [x])
  return reshapeTo(matMul(fill([1, rows], 1, 'float32', [matrix]), matrix), shape, [x])
}
