import type { OpKernel } from '../opKernel.js'
import { map } from '../value.js'
import { reduce, sumFold } from './reduction.js'

/** x divided by its p-norm along an axis, zeros where that is 0: a reduction, then an element-wise expression. */
export const LpNormalization: OpKernel = (op) => {
  const planner = op.planner
  const x = planner.load(op.value(0))
  const axis = op.axis(op.attribute<number>('axis'))
  const square = op.attribute<number>('p') === 2
  const sizes = map(x.dtype, x.shape, [x], ([a]) => (square ? `${a} * ${a}` : `abs(${a})`))
  const total = planner.dense(reduce(planner, sizes, [axis], sumFold))
  return [
    map(x.dtype, x.shape, [x, total], ([a, n]) => `select(${a} / ${square ? `sqrt(${n})` : n}, 0.0, ${n} == 0.0)`),
  ]
}
