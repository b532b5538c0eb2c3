import type { OpKernel } from '../opKernel.js'
import { map, numberOf, reshaped, type Value } from '../value.js'
import { mean } from './reduction.js'

/**
 * Normalises each channel of `[B, C, ...]`. Training takes two reductions (mean, then mean square of the centred data);
 * the normalisation itself is an element-wise expression that fuses with what follows.
 */
export const BatchNormalization: OpKernel = (op) => {
  const planner = op.planner
  const training = op.attribute<number>('training_mode') !== 0
  const momentum = op.attribute<number>('momentum')
  const x = training ? planner.load(op.value(0)) : op.value(0)
  const axes = x.shape.flatMap((_, axis) => (axis === 1 ? [] : [axis]))
  const channels = x.shape[1]!
  const column = [channels, ...new Array<number>(x.shape.length - 2).fill(1)]
  const perChannel = (value: Value) => reshaped(planner.load(value), column)!
  const centre = training ? planner.dense(mean(planner, x, axes)) : planner.load(perChannel(op.value(3)))
  const spread = training
    ? planner.dense(
        mean(
          planner,
          map(x.dtype, x.shape, [x, centre], ([a, m]) => `(${a} - ${m}) * (${a} - ${m})`),
          axes,
        ),
      )
    : planner.load(perChannel(op.value(4)))
  const epsilon = numberOf(op.attribute<number>('epsilon'))
  const gain = planner.dense(
    map(x.dtype, spread.shape, [perChannel(op.value(1)), spread, epsilon], ([s, v, e]) => `${s} / sqrt(${v} + ${e})`),
  )
  const y = map(
    x.dtype,
    x.shape,
    [x, centre, gain, perChannel(op.value(2))],
    ([a, m, g, b]) => `(${a} - ${m}) * ${g} + ${b}`,
  )
  if (!training) return [y]
  const statistic = (running: number, batch: Value) => {
    const flat = reshaped(batch, [channels])!
    if (momentum === 0) return flat
    return map(
      x.dtype,
      [channels],
      [op.value(running), flat, numberOf(momentum)],
      ([old, found, m]) => `${old} * ${m} + ${found} * (1.0 - ${m})`,
    )
  }
  return [y, statistic(3, centre), statistic(4, spread)]
}
