import type { OpKernel } from '../opKernel.js'
import { map } from '../value.js'

/** x limited to [min, max], both optional; min first, so that max wins where they cross; NaN stays NaN. */
export const Clip: OpKernel = (op) => {
  const x = op.value(0)
  let y = x
  if (op.has(1)) y = map(x.dtype, x.shape, [y, op.value(1)], ([a, min]) => `select(${a}, ${min}, ${a} < ${min})`)
  if (op.has(2)) y = map(x.dtype, x.shape, [y, op.value(2)], ([a, max]) => `select(${a}, ${max}, ${a} > ${max})`)
  return [y]
}
