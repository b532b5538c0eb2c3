import { apply1, defineOp, normalizeAxis } from '../op.js'
import type { Tensor } from '../tensor.js'
import { div, mul, sub } from './arithmetic.js'
import { reduceL1, reduceL2, reduceSum } from './reduction.js'
import { sign } from './rounding.js'

/** x / |x|_p along an axis, for p 1 or 2. ONNX LpNormalization-1. */
export const LpNormalization = defineOp({
  type: 'LpNormalization',
  since: 1,
  attributes: { axis: { kind: 'int', default: -1 }, p: { kind: 'int', default: 2 } },
  infer: (context) => {
    const x = context.input(0)
    const { axis, p } = context.attributes as { axis: number; p: number }
    normalizeAxis(axis, x.rank, context)
    if (p !== 1 && p !== 2) context.fail(`expected p 1 or 2, found ${p}.`)
    return [{ dtype: x.dtype, shape: x.shape }]
  },
  grad: ({ dy, x, y, node }) => {
    const { axis, p } = node.attributes as { axis: number; p: number }
    const norm = (p === 1 ? reduceL1 : reduceL2)(x, axis, true)
    const along = reduceSum(mul(dy, y), axis, true)
    // d|x|_p / dx is sign(x) or x / |x|
    return [div(sub(dy, mul(p === 1 ? sign(x) : y, along)), norm)]
  },
})

/** x divided by its p-norm (p 1 or 2) along `axis`. */
export const lpNormalize = (x: Tensor, axis = -1, p: 1 | 2 = 2): Tensor => apply1(LpNormalization, [x], { axis, p })
