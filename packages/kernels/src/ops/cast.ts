import type { DType } from '@nemo/graph'
import { requireElementType } from '../elementType.js'
import { elementwise, type OpKernel } from '../opKernel.js'

/** Another dtype: floats truncate, everything but 0 is true; 32-bit integers keep their bits. */
export const Cast: OpKernel = (op) => {
  const to = op.attribute<DType & string>('to')
  const x = op.value(0)
  const [from, element] = [requireElementType(x.dtype), requireElementType(to)]
  if (to === 'bool' && x.dtype !== 'bool') return elementwise(([a]) => `u32(${a} != ${from}(0))`)(op)
  if (from === element) return [{ ...x, dtype: to }]
  return elementwise(([a]) => `${element}(${a})`)(op)
}
/** The value itself. */
export const Identity: OpKernel = (op) => [op.value(0)]
