import { apply1, defineOp, type Gradient, type OpDefinition } from '../op.js'
import type { Tensor } from '../tensor.js'
import { div, mul } from './arithmetic.js'

function unary(type: string, since: number, grad: Gradient): OpDefinition {
  return defineOp({
    type,
    since,
    infer: (context) => [{ dtype: context.input(0).dtype, shape: context.input(0).shape }],
    grad,
  })
}

/** e to the x. ONNX Exp-13. */
export const Exp = unary('Exp', 13, ({ dy, y }) => [mul(dy, y)])
/** Natural logarithm. ONNX Log-13. */
export const Log = unary('Log', 13, ({ dy, x }) => [div(dy, x)])
/** Square root. ONNX Sqrt-13. */
export const Sqrt = unary('Sqrt', 13, ({ dy, y }) => [div(dy, mul(y, 2))])
/** Gauss error function; its derivative is 2/sqrt(pi) exp(-x²). ONNX Erf-13. */
export const Erf = unary('Erf', 13, ({ dy, x }) => [mul(mul(dy, 2 / Math.sqrt(Math.PI)), exp(mul(mul(x, x), -1)))])

/** e to the x */
export const exp = (x: Tensor): Tensor => apply1(Exp, [x])
/** Natural logarithm */
export const log = (x: Tensor): Tensor => apply1(Log, [x])
/** Square root */
export const sqrt = (x: Tensor): Tensor => apply1(Sqrt, [x])
/** Gauss error function */
export const erf = (x: Tensor): Tensor => apply1(Erf, [x])
