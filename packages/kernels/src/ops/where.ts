import type { OpKernel } from '../opKernel.js'
import { map } from '../value.js'

/** a where the condition holds, else b; all three broadcast. */
export const Where: OpKernel = (op) => {
  const output = op.node.outputs[0]!
  const values = [op.value(0), op.value(1), op.value(2)]
  return [map(output.dtype, op.outputShape(), values, ([c, a, b]) => `select(${b}, ${a}, ${c} != 0u)`)]
}
