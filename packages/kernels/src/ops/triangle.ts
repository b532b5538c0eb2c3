import type { OpKernel } from '../opKernel.js'
import { map, numberOf } from '../value.js'
import { coordinate } from './fill.js'

/** Keeps one triangle of the last two axes: an element-wise expression. */
export const Trilu: OpKernel = (op) => {
  const x = op.value(0)
  const rank = x.shape.length
  const diagonal = op.has(1) ? op.value(1) : numberOf(0, 'int64')
  const upper = op.attribute<number>('upper') !== 0
  const zero = `${x.expression.element}(0)`
  return [
    map(
      x.dtype,
      x.shape,
      [x, coordinate(x.shape, rank - 2), coordinate(x.shape, rank - 1), diagonal],
      ([value, row, column, k]) => `select(${zero}, ${value}, ${column} - ${row} ${upper ? '>=' : '<='} ${k})`,
    ),
  ]
}

/** Ones on a diagonal: an expression of coordinates. */
export const EyeLike: OpKernel = (op) => {
  const output = op.node.outputs[0]!
  const shape = op.outputShape()
  const k = numberOf(op.attribute<number>('k'), 'int64')
  return [
    map(output.dtype, shape, [coordinate(shape, 0), coordinate(shape, 1), k], ([row, column, shift]) => {
      const element =
        output.dtype === 'float32' ? 'f32' : output.dtype === 'bool' || output.dtype === 'uint32' ? 'u32' : 'i32'
      return `${element}(${column} - ${row} == ${shift})`
    }),
  ]
}
