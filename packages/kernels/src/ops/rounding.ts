import { elementwise } from '../opKernel.js'

/** Largest whole number not above x */
export const Floor = elementwise(([x]) => `floor(${x})`)
/** Smallest whole number not below x */
export const Ceil = elementwise(([x]) => `ceil(${x})`)
/** Nearest whole number, halves to even */
export const Round = elementwise(([x]) => `round(${x})`)
/** -1, 0 or 1; NaN stays NaN */
export const Sign = elementwise(([x], { element }) =>
  element === 'u32' ? `min(${x}, 1u)` : element === 'f32' ? `select(sign(${x}), ${x}, is_nan(${x}))` : `sign(${x})`,
)
