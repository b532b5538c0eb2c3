import type { OpKernel } from '../opKernel.js'
import { permute } from '../value.js'

/** Permutes axes: no work; whoever reads the result reads it that way. */
export const Transpose: OpKernel = (op) => {
  const rank = op.shape(0).length
  const perm = op.attribute<readonly number[] | undefined>('perm')
  return [permute(op.value(0), perm ?? Array.from({ length: rank }, (_, i) => rank - 1 - i))]
}
