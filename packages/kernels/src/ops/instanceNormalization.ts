import type { OpKernel } from '../opKernel.js'
import { map, numberOf, reshaped, type Value } from '../value.js'
import { mean } from './reduction.js'

/** Two reductions over the axes after the channels, then an element-wise expression that fuses with what follows. */
export const InstanceNormalization: OpKernel = (op) => {
  const planner = op.planner
  const x = planner.load(op.value(0))
  const axes = x.shape.flatMap((_, axis) => (axis < 2 ? [] : [axis]))
  const perChannel = (value: Value) => reshaped(planner.load(value), [x.shape[1]!, ...axes.map(() => 1)])!
  const centre = planner.dense(mean(planner, x, axes))
  const squares = map(x.dtype, x.shape, [x, centre], ([a, m]) => `(${a} - ${m}) * (${a} - ${m})`)
  const inverse = planner.dense(
    map(
      x.dtype,
      centre.shape,
      [mean(planner, squares, axes), numberOf(op.attribute<number>('epsilon'))],
      ([v, e]) => `1.0 / sqrt(${v} + ${e})`,
    ),
  )
  return [
    map(
      x.dtype,
      x.shape,
      [x, centre, inverse, perChannel(op.value(1)), perChannel(op.value(2))],
      ([a, m, i, s, b]) => `(${a} - ${m}) * ${i} * ${s} + ${b}`,
    ),
  ]
}
