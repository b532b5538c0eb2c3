import { elementwise } from '../opKernel.js'

/** e to the x */
export const Exp = elementwise(([x]) => `exp(${x})`)
/** Natural logarithm */
export const Log = elementwise(([x]) => `log(${x})`)
/** Square root */
export const Sqrt = elementwise(([x]) => `sqrt(${x})`)
/** Gauss error function */
export const Erf = elementwise(([x]) => `erf(${x})`)
