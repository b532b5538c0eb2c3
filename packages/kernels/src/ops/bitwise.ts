import { elementwise } from '../opKernel.js'

/** Shifts unsigned integers; 32 places or more give 0. */
export const BitShift = elementwise(([x, bits], { attribute }) => {
  const operator = attribute<string>('direction') === 'LEFT' ? '<<' : '>>'
  return `select(${x} ${operator} (${bits} & 31u), 0u, ${bits} > 31u)`
})
/** Bits set in both. */
export const BitwiseAnd = elementwise(([a, b]) => `${a} & ${b}`)
/** Bits set in either. */
export const BitwiseOr = elementwise(([a, b]) => `${a} | ${b}`)
/** Bits set in one of the two. */
export const BitwiseXor = elementwise(([a, b]) => `${a} ^ ${b}`)
