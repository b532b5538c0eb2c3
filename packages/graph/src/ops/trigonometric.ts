import { apply1, defineOp, type Gradient, type OpDefinition } from '../op.js'
import type { Tensor } from '../tensor.js'
import { add, div, mul, neg, sub } from './arithmetic.js'
import { sqrt } from './exponential.js'

function unary(type: string, since: number, grad: Gradient): OpDefinition {
  return defineOp({
    type,
    since,
    infer: (context) => [{ dtype: context.input(0).dtype, shape: context.input(0).shape }],
    grad,
  })
}

/** Sine of radians. ONNX Sin-7. */
export const Sin: OpDefinition = unary('Sin', 7, ({ dy, x }) => [mul(dy, cos(x))])
/** Cosine of radians. ONNX Cos-7. */
export const Cos: OpDefinition = unary('Cos', 7, ({ dy, x }) => [neg(mul(dy, sin(x)))])
/** Tangent of radians. ONNX Tan-7. */
export const Tan: OpDefinition = unary('Tan', 7, ({ dy, y }) => [mul(dy, add(mul(y, y), 1))])
/** Arc cosine. ONNX Acos-7. */
export const Acos: OpDefinition = unary('Acos', 7, ({ dy, x }) => [neg(div(dy, sqrt(sub(1, mul(x, x)))))])
/** Arc sine. ONNX Asin-7. */
export const Asin: OpDefinition = unary('Asin', 7, ({ dy, x }) => [div(dy, sqrt(sub(1, mul(x, x))))])
/** Arc tangent. ONNX Atan-7. */
export const Atan: OpDefinition = unary('Atan', 7, ({ dy, x }) => [div(dy, add(mul(x, x), 1))])
/** Hyperbolic sine. ONNX Sinh-9. */
export const Sinh: OpDefinition = unary('Sinh', 9, ({ dy, x }) => [mul(dy, cosh(x))])
/** Hyperbolic cosine. ONNX Cosh-9. */
export const Cosh: OpDefinition = unary('Cosh', 9, ({ dy, x }) => [mul(dy, sinh(x))])
/** Inverse hyperbolic sine. ONNX Asinh-9. */
export const Asinh: OpDefinition = unary('Asinh', 9, ({ dy, x }) => [div(dy, sqrt(add(mul(x, x), 1)))])
/** Inverse hyperbolic cosine, of x > 1. ONNX Acosh-9. */
export const Acosh: OpDefinition = unary('Acosh', 9, ({ dy, x }) => [div(dy, sqrt(sub(mul(x, x), 1)))])
/** Inverse hyperbolic tangent, of |x| < 1. ONNX Atanh-9. */
export const Atanh: OpDefinition = unary('Atanh', 9, ({ dy, x }) => [div(dy, sub(1, mul(x, x)))])

/** Sine of radians */
export const sin = (x: Tensor): Tensor => apply1(Sin, [x])
/** Cosine of radians */
export const cos = (x: Tensor): Tensor => apply1(Cos, [x])
/** Tangent of radians */
export const tan = (x: Tensor): Tensor => apply1(Tan, [x])
/** Arc cosine, in radians */
export const acos = (x: Tensor): Tensor => apply1(Acos, [x])
/** Arc sine, in radians */
export const asin = (x: Tensor): Tensor => apply1(Asin, [x])
/** Arc tangent, in radians */
export const atan = (x: Tensor): Tensor => apply1(Atan, [x])
/** Hyperbolic sine */
export const sinh = (x: Tensor): Tensor => apply1(Sinh, [x])
/** Hyperbolic cosine */
export const cosh = (x: Tensor): Tensor => apply1(Cosh, [x])
/** Inverse hyperbolic sine */
export const asinh = (x: Tensor): Tensor => apply1(Asinh, [x])
/** Inverse hyperbolic cosine, of x > 1 */
export const acosh = (x: Tensor): Tensor => apply1(Acosh, [x])
/** Inverse hyperbolic tangent, of |x| < 1 */
export const atanh = (x: Tensor): Tensor => apply1(Atanh, [x])
