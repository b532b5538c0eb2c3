import type { OpKernel } from '../opKernel.js'
import { map, numberOf } from '../value.js'
import { mean } from './reduction.js'

/** Two reductions over the last axes, then an element-wise expression that fuses with what follows. */
export const LayerNormalization: OpKernel = (op) => {
  const planner = op.planner
  const x = planner.load(op.value(0))
  const first = op.axis(op.attribute<number>('axis'))
  const axes = x.shape.flatMap((_, axis) => (axis < first ? [] : [axis]))
  const centre = planner.dense(mean(planner, x, axes))
  const squares = map(x.dtype, x.shape, [x, centre], ([a, m]) => `(${a} - ${m}) * (${a} - ${m})`)
  const variance = mean(planner, squares, axes)
  const inverse = planner.dense(
    map(
      x.dtype,
      centre.shape,
      [variance, numberOf(op.attribute<number>('epsilon'))],
      ([v, e]) => `1.0 / sqrt(${v} + ${e})`,
    ),
  )
  const scaled = map(
    x.dtype,
    x.shape,
    [x, centre, inverse, op.value(1)],
    ([a, m, i, s]) => `(${a} - ${m}) * ${i} * ${s}`,
  )
  const y = op.has(2) ? map(x.dtype, x.shape, [scaled, op.value(2)], ([a, b]) => `${a} + ${b}`) : scaled
  return [y, centre, inverse]
}
