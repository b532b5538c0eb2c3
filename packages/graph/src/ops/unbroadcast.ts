import type { Tensor } from '../tensor.js'
import { reduceSum } from './reduction.js'
import { reshapeLike } from './reshape.js'

/**
 * Sums a gradient over the axes along which `x` was broadcast, so that it has x's shape again.
 * Axes named by symbols count as broadcast only where `x` has the number 1.
 */
export function unbroadcast(dy: Tensor, x: Tensor): Tensor {
  const lead = dy.rank - x.rank
  const axes: number[] = []
  for (let axis = 0; axis < dy.rank; axis++) {
    if (axis < lead) axes.push(axis)
    else if (x.shape[axis - lead] === 1 && dy.shape[axis] !== 1) axes.push(axis)
  }
  if (axes.length === 0) return dy
  if (lead === 0) return reduceSum(dy, axes, true)
  if (axes.length === lead) return reduceSum(dy, axes, false)
  return reshapeLike(reduceSum(dy, axes, true), x)
}
