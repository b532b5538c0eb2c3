import type { DType } from '@nemo/graph'
import { type ElementType, requireElementType } from './elementType.js'
import type { OpKernel, Refusal } from './planner.js'
import { map } from './value.js'

export type { OpKernel, Refusal }

/** The op is not run; asking for it is an error when the program is compiled. */
export const refused = (reason: string): Refusal => ({ refused: reason })

/** What an element-wise rule sees beside its operands. */
export interface EmitContext {
  /** Element type of the first operand. */
  readonly element: ElementType
  readonly dtype: DType
  readonly attribute: <T extends string | number>(name: string) => T
}

/** An element-wise op with broadcasting: `emit` gets one WGSL name per input. */
export function elementwise(emit: (args: readonly string[], context: EmitContext) => string): OpKernel {
  return (op) => {
    const output = op.node.outputs[0]!
    const values = op.node.inputs.map((_, i) => op.value(i))
    const { dtype } = values[0]!
    const context: EmitContext = {
      element: requireElementType(dtype),
      dtype,
      attribute: (name) => op.attribute(name),
    }
    return [map(output.dtype, op.outputShape(), values, (args) => emit(args, context))]
  }
}
