import { sizeOf } from '@nemo/graph'
import { weightOf } from '../expression.js'
import type { OpKernel } from '../opKernel.js'
import { broadcast } from '../value.js'

/** x over a larger shape: no work, unless it is an expression that would be evaluated many times over. */
export const Expand: OpKernel = (op) => {
  const x = op.value(0)
  const grows = sizeOf(op.outputShape()) > sizeOf(x.shape)
  const value = grows && weightOf(x.expression) > 0 ? op.planner.load(x) : x
  return [broadcast(value, op.outputShape())]
}
