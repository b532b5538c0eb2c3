import { type Attributes, apply1, defineOp, type Gradient, type OpDefinition } from '../op.js'
import type { Tensor } from '../tensor.js'
import { abs, add, div, mul, square, sub } from './arithmetic.js'
import { cast } from './cast.js'
import { clip } from './clip.js'
import { greater, greaterOrEqual, less, lessOrEqual, logicalAnd } from './comparison.js'
import { erf, exp } from './exponential.js'
import { sign } from './rounding.js'
import { unbroadcast } from './unbroadcast.js'
import { where } from './where.js'

function unary(type: string, since: number, grad: Gradient, attributes: OpDefinition['attributes'] = {}): OpDefinition {
  return defineOp({
    type,
    since,
    attributes,
    infer: (context) => [{ dtype: context.input(0).dtype, shape: context.input(0).shape }],
    grad,
  })
}

const alphaOf = (attributes: Attributes): number => attributes.alpha as number

/** max(x, 0); gradient 0 at 0. The mask is Sign(y), cheaper than a comparison and a cast. ONNX Relu-14. */
export const Relu = unary('Relu', 14, ({ dy, y }) => [mul(dy, sign(y))])

/** x if positive, else alpha x. ONNX LeakyRelu-16. */
export const LeakyRelu = unary(
  'LeakyRelu',
  16,
  ({ dy, x, node }) => [where(greater(x, 0), dy, mul(dy, alphaOf(node.attributes)))],
  { alpha: { kind: 'float', default: 0.01 } },
)

/** x if x > alpha, else 0. ONNX ThresholdedRelu-10. */
export const ThresholdedRelu = unary(
  'ThresholdedRelu',
  10,
  ({ dy, x, node }) => [where(greater(x, alphaOf(node.attributes)), dy, 0)],
  { alpha: { kind: 'float', default: 1 } },
)

/** x if positive, else alpha (e^x - 1). ONNX Elu-6. */
export const Elu = unary(
  'Elu',
  6,
  ({ dy, x, y, node }) => [where(greater(x, 0), dy, mul(dy, add(y, alphaOf(node.attributes))))],
  { alpha: { kind: 'float', default: 1 } },
)

/** max(0, x) + min(0, alpha (e^(x/alpha) - 1)). ONNX Celu-12. */
export const Celu = unary(
  'Celu',
  12,
  ({ dy, x, y, node }) => [where(greater(x, 0), dy, mul(dy, add(div(y, alphaOf(node.attributes)), 1)))],
  { alpha: { kind: 'float', default: 1 } },
)

// ONNX's defaults are the float32 neighbours of the paper's constants.
const SELU_ALPHA = Math.fround(1.6732631921768188)
const SELU_GAMMA = Math.fround(1.0507010221481323)

/** Scaled exponential linear unit. ONNX Selu-6. */
export const Selu = unary(
  'Selu',
  6,
  ({ dy, x, y, node }) => {
    const { alpha, gamma } = node.attributes as { alpha: number; gamma: number }
    return [where(greater(x, 0), mul(dy, gamma), mul(dy, add(y, alpha * gamma)))]
  },
  { alpha: { kind: 'float', default: SELU_ALPHA }, gamma: { kind: 'float', default: SELU_GAMMA } },
)

/** ln(1 + e^x). ONNX Softplus-1. */
export const Softplus = unary('Softplus', 1, ({ dy, x }) => [mul(dy, sigmoid(x))])

/** x / (1 + |x|). ONNX Softsign-1. */
export const Softsign = unary('Softsign', 1, ({ dy, x }) => [div(dy, square(add(abs(x), 1)))])

/** 1 / (1 + e^-x). ONNX Sigmoid-13. */
export const Sigmoid: OpDefinition = unary('Sigmoid', 13, ({ dy, y }) => [mul(dy, mul(y, sub(1, y)))])

/** Clipped line alpha x + beta in [0, 1]. ONNX HardSigmoid-6. */
export const HardSigmoid = unary(
  'HardSigmoid',
  6,
  ({ dy, y, node }) => [where(logicalAnd(greater(y, 0), less(y, 1)), mul(dy, alphaOf(node.attributes)), 0)],
  { alpha: { kind: 'float', default: 0.2 }, beta: { kind: 'float', default: 0.5 } },
)

/** x HardSigmoid(x) with alpha 1/6. ONNX HardSwish-14. */
export const HardSwish = unary('HardSwish', 14, ({ dy, x }) => {
  // 0 below -3, 1 above 3, x/3 + 1/2 between
  const slope = add(div(x, 3), 0.5)
  return [mul(dy, where(lessOrEqual(x, -3), 0, where(greaterOrEqual(x, 3), 1, slope)))]
})

/** Hyperbolic tangent. ONNX Tanh-13. */
export const Tanh: OpDefinition = unary('Tanh', 13, ({ dy, y }) => [mul(dy, sub(1, mul(y, y)))])

/** x tanh(ln(1 + e^x)). ONNX Mish-18. */
export const Mish = unary('Mish', 18, ({ dy, x }) => {
  const t = tanh(softplus(x))
  return [mul(dy, add(t, mul(mul(x, sub(1, square(t))), sigmoid(x))))]
})

/** x Phi(x), exactly (`none`) or by the tanh formula. ONNX Gelu-20. */
export const Gelu = unary(
  'Gelu',
  20,
  ({ dy, x, node }) => {
    if (node.attributes.approximate === 'tanh') {
      const c = Math.sqrt(2 / Math.PI)
      const t = tanh(mul(add(x, mul(mul(square(x), x), 0.044715)), c))
      const inner = mul(add(mul(square(x), 3 * 0.044715), 1), c)
      return [mul(dy, add(mul(add(t, 1), 0.5), mul(mul(x, 0.5), mul(sub(1, square(t)), inner))))]
    }
    const phi = mul(add(erf(mul(x, Math.SQRT1_2)), 1), 0.5)
    const density = mul(exp(mul(square(x), -0.5)), 1 / Math.sqrt(2 * Math.PI))
    return [mul(dy, add(phi, mul(x, density)))]
  },
  { approximate: { kind: 'string', default: 'none' } },
)

/** x if positive, else slope x; slope broadcasts. ONNX PRelu-16. */
export const PRelu = defineOp({
  type: 'PRelu',
  since: 16,
  infer: (context) => [{ dtype: context.input(0).dtype, shape: context.input(0).shape }],
  grad: ({ dy, inputs, needs }) => {
    const [x, slope] = inputs as readonly [Tensor, Tensor]
    const positive = greater(x, 0)
    return [
      needs(0) ? where(positive, dy, mul(dy, slope)) : null,
      needs(1) ? unbroadcast(where(positive, 0, mul(dy, x)), slope) : null,
    ]
  },
})

/** max(x, 0) */
export const relu = (x: Tensor): Tensor => apply1(Relu, [x])
/** x if positive, else alpha x; PyTorch's default slope 0.01 */
export const leakyRelu = (x: Tensor, alpha = 0.01): Tensor => apply1(LeakyRelu, [x], { alpha })
/** x if x > alpha, else 0 */
export const thresholdedRelu = (x: Tensor, alpha = 1): Tensor => apply1(ThresholdedRelu, [x], { alpha })
/** x if positive, else alpha (e^x - 1) */
export const elu = (x: Tensor, alpha = 1): Tensor => apply1(Elu, [x], { alpha })
/** Scaled exponential linear unit */
export const selu = (x: Tensor): Tensor => apply1(Selu, [x])
/** Continuously differentiable exponential linear unit */
export const celu = (x: Tensor, alpha = 1): Tensor => apply1(Celu, [x], { alpha })
/** ln(1 + e^x) */
export const softplus = (x: Tensor): Tensor => apply1(Softplus, [x])
/** x / (1 + |x|) */
export const softsign = (x: Tensor): Tensor => apply1(Softsign, [x])
/** 1 / (1 + e^-x) */
export const sigmoid = (x: Tensor): Tensor => apply1(Sigmoid, [x])
/** clip(alpha x + beta, 0, 1); ONNX defaults */
export const hardSigmoid = (x: Tensor, alpha = 0.2, beta = 0.5): Tensor => apply1(HardSigmoid, [x], { alpha, beta })
/** x clip(x/6 + 1/2, 0, 1) */
export const hardSwish = (x: Tensor): Tensor => apply1(HardSwish, [x])
/** Hyperbolic tangent */
export const tanh = (x: Tensor): Tensor => apply1(Tanh, [x])
/** x tanh(softplus(x)) */
export const mish = (x: Tensor): Tensor => apply1(Mish, [x])
/** Gaussian error linear unit, exact or `tanh` */
export const gelu = (x: Tensor, approximate: 'none' | 'tanh' = 'none'): Tensor => apply1(Gelu, [x], { approximate })
/** Parametric ReLU; `slope` broadcasts to x */
export const prelu = (x: Tensor, slope: Tensor): Tensor => apply1(PRelu, [x, slope])
/** x sigmoid(x), also called SiLU */
export const swish = (x: Tensor): Tensor => mul(x, sigmoid(x))
/** x clipped to [min, max]; PyTorch's defaults -1 and 1 */
export const hardtanh = (x: Tensor, min = -1, max = 1): Tensor => clip(x, min, max)
/** 1 where x > 0, else 0, in x's dtype */
export const heaviside = (x: Tensor): Tensor => cast(greater(x, 0), x.dtype)
