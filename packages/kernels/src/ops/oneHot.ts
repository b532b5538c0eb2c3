import type { OpKernel } from '../opKernel.js'
import { box, map, numberOf, reshaped } from '../value.js'
import { coordinate } from './fill.js'
import { reshapedOrMoved } from './reduction.js'

/** Compares each index with the place on the new axis: an element-wise expression. */
export const OneHot: OpKernel = (op) => {
  const output = op.node.outputs[0]!
  const shape = op.outputShape()
  const indices = op.value(0)
  const axis = op.axis(op.attribute<number>('axis'), shape.length)
  const column = shape.map((size, i) => (i === axis ? 1 : size))
  const values = op.value(2)
  const pick = (at: number) => reshaped(box(values, [at], [1], [1]), [])!
  const depth = shape[axis]!
  const place = coordinate(shape, axis)
  const size = numberOf(depth, 'int64')
  // Negative indices count from the end.
  return [
    map(
      output.dtype,
      shape,
      [reshapedOrMoved(op.planner, indices, column), place, size, pick(0), pick(1)],
      ([index, at, n, off, on]) => `select(${off}, ${on}, i32(${index}) == ${at} || i32(${index}) + ${n} == ${at})`,
    ),
  ]
}
