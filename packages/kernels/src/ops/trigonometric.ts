import { elementwise, type OpKernel } from '../opKernel.js'

const unary = (emit: (x: string) => string): OpKernel => elementwise(([x]) => emit(x!))

/** Sine of radians */
export const Sin = unary((x) => `sine_shifted(${x}, 0)`)
/** Cosine of radians */
export const Cos = unary((x) => `sine_shifted(${x}, 1)`)
/** Tangent of radians */
export const Tan = unary((x) => `sine_shifted(${x}, 0) / sine_shifted(${x}, 1)`)
/** Arc sine: by the arc tangent, which is more exact than WGSL's own. */
export const Asin = unary((x) => `atan2(${x}, sqrt((1.0 - ${x}) * (1.0 + ${x})))`)
/** Arc cosine */
export const Acos = unary((x) => `atan2(sqrt((1.0 - ${x}) * (1.0 + ${x})), ${x})`)
/** Arc tangent */
export const Atan = unary((x) => `atan(${x})`)
/** Hyperbolic sine */
export const Sinh = unary((x) => `0.5 * (expm1(${x}) - expm1(-${x}))`)
/** Hyperbolic cosine */
export const Cosh = unary((x) => `0.5 * (exp(${x}) + exp(-${x}))`)
/** Inverse hyperbolic sine */
export const Asinh = unary((x) => `sign(${x}) * log(abs(${x}) + sqrt(${x} * ${x} + 1.0))`)
/** Inverse hyperbolic cosine */
export const Acosh = unary((x) => `log(${x} + sqrt(${x} - 1.0) * sqrt(${x} + 1.0))`)
/** Inverse hyperbolic tangent */
export const Atanh = unary((x) => `0.5 * log((1.0 + ${x}) / (1.0 - ${x}))`)
