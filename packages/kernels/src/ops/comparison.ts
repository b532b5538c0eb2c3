import { elementwise, type OpKernel } from '../opKernel.js'

const compare = (operator: string): OpKernel => elementwise(([a, b]) => `u32(${a} ${operator} ${b})`)

/** a == b */
export const Equal = compare('==')
/** a > b */
export const Greater = compare('>')
/** a >= b */
export const GreaterOrEqual = compare('>=')
/** a < b */
export const Less = compare('<')
/** a <= b */
export const LessOrEqual = compare('<=')
/** a and b */
export const And = elementwise(([a, b]) => `${a} & ${b}`)
/** a or b */
export const Or = elementwise(([a, b]) => `${a} | ${b}`)
/** exactly one of a and b */
export const Xor = elementwise(([a, b]) => `${a} ^ ${b}`)
/** not x */
export const Not = elementwise(([x]) => `1u - ${x}`)
/** x is not a number */
export const IsNaN = elementwise(([x]) => `u32(is_nan(${x}))`)
/** x is infinite, of the signs asked for */
export const IsInf = elementwise(([x], { attribute }) => {
  const negative = attribute<number>('detect_negative') ? '' : ` && ${x} > 0.0`
  const positive = attribute<number>('detect_positive') ? '' : ` && ${x} < 0.0`
  return `u32(is_inf(${x})${negative}${positive})`
})
