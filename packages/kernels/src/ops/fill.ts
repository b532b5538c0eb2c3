import type { TensorData } from '@nemo/graph'
import { requireElementType } from '../elementType.js'
import type { Expression } from '../expression.js'
import type { OpKernel } from '../opKernel.js'
import { broadcast, map, numberOf, type Value } from '../value.js'

/** One value everywhere: no memory unless somebody needs it. */
export const ConstantOfShape: OpKernel = (op) => {
  const { dtype, data } = op.node.attribute<TensorData>('value')
  return [broadcast(numberOf(Number(data[0]), dtype), op.outputShape())]
}

/** A coordinate of a shape as an int64 tensor. */
export function coordinate(shape: readonly number[], axis: number): Value {
  const expression: Expression = { kind: 'coordinate', element: 'i32', axis, scale: 1, offset: 0 }
  return { dtype: 'int64', shape, expression }
}

/** start, start + delta, ...: no memory unless somebody needs it. */
export const Range: OpKernel = (op) => {
  const output = op.node.outputs[0]!
  const shape = op.outputShape()
  const element = requireElementType(output.dtype)
  return [
    map(
      output.dtype,
      shape,
      [op.value(0), op.value(2), coordinate(shape, 0)],
      ([start, delta, i]) => `${start} + ${element}(${i}) * ${delta}`,
    ),
  ]
}
