import { floatLiteral } from '../kernelBuilder.js'
import { type EmitContext, elementwise, type OpKernel } from '../opKernel.js'

const unary = (emit: (x: string, context: EmitContext) => string): OpKernel =>
  elementwise(([x], context) => emit(x!, context))

const number = (context: EmitContext, name: string): string => floatLiteral(context.attribute<number>(name))

/** max(x, 0); NaN stays NaN. */
export const Relu = unary((x, { element }) => `select(${x}, ${element}(0), ${x} < ${element}(0))`)
/** x if positive, else alpha x. */
export const LeakyRelu = unary((x, context) => `select(${x}, ${x} * ${number(context, 'alpha')}, ${x} < 0.0)`)
/** x if x > alpha, else 0. */
export const ThresholdedRelu = unary((x, context) => `select(0.0, ${x}, ${x} > ${number(context, 'alpha')})`)
/** x if positive, else alpha (e^x - 1). */
export const Elu = unary(
  (x, context) => `select(${x}, ${number(context, 'alpha')} * expm1(min(${x}, 0.0)), ${x} < 0.0)`,
)
/** max(0, x) + min(0, alpha (e^(x/alpha) - 1)). */
export const Celu = unary((x, context) => {
  const alpha = number(context, 'alpha')
  return `select(${x}, ${alpha} * expm1(min(${x}, 0.0) / ${alpha}), ${x} < 0.0)`
})
/** gamma (x if positive, else alpha (e^x - 1)). */
export const Selu = unary(
  (x, context) =>
    `${number(context, 'gamma')} * select(${x}, ${number(context, 'alpha')} * expm1(min(${x}, 0.0)), ${x} < 0.0)`,
)
/** ln(1 + e^x) */
export const Softplus = unary((x) => `softplus(${x})`)
/** x / (1 + |x|) */
export const Softsign = unary((x) => `${x} / (1.0 + abs(${x}))`)
/** 1 / (1 + e^-x) */
export const Sigmoid = unary((x) => `sigmoid(${x})`)
/** clip(alpha x + beta, 0, 1) */
export const HardSigmoid = unary(
  (x, context) => `clamp(${number(context, 'alpha')} * ${x} + ${number(context, 'beta')}, 0.0, 1.0)`,
)
/** x clip(x/6 + 1/2, 0, 1) */
export const HardSwish = unary((x) => `${x} * clamp(${x} / 6.0 + 0.5, 0.0, 1.0)`)
/** Hyperbolic tangent. */
export const Tanh = unary((x) => `tanh_safe(${x})`)
/** x tanh(softplus(x)) */
export const Mish = unary((x) => `${x} * tanh_safe(softplus(${x}))`)
/** x Phi(x), exactly or by the tanh formula. */
export const Gelu = unary((x, context) =>
  context.attribute<string>('approximate') === 'tanh'
    ? `0.5 * ${x} * (1.0 + tanh_safe(0.7978846 * (${x} + 0.044715 * ${x} * ${x} * ${x})))`
    : `0.5 * ${x} * (1.0 + erf(${x} * 0.70710678))`,
)
/** x if positive, else slope x. */
export const PRelu = elementwise(([x, slope]) => `select(${x}, ${x} * ${slope}, ${x} < 0.0)`)
