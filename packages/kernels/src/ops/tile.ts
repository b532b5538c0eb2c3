import type { OpKernel } from '../opKernel.js'
import { broadcast, reshaped } from '../value.js'
import { reshapedOrMoved } from './reduction.js'

/** Repeats along axes: each axis becomes (repeats, size), broadcast and joined. */
export const Tile: OpKernel = (op) => {
  const x = op.planner.load(op.value(0))
  const repeats = op.numbers(1)!
  const split = x.shape.flatMap((size) => [1, size])
  const wide = x.shape.flatMap((size, axis) => [repeats[axis]!, size])
  const value = reshaped(x, split) ?? reshaped(op.planner.dense(x), split)!
  return [reshapedOrMoved(op.planner, broadcast(value, wide), op.outputShape())]
}
