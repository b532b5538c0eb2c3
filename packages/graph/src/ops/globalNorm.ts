import { GradientError } from '../errors.js'
import type { Tensor } from '../tensor.js'
import { add, div, minimum, mul, sum } from './arithmetic.js'
import { cast } from './cast.js'
import { sqrt } from './exponential.js'
import { reduceSumSquare } from './reduction.js'

/** Euclidean norm of all elements of several tensors together, a float32 scalar. */
export function globalNorm(tensors: readonly Tensor[]): Tensor {
  if (tensors.length === 0) throw new GradientError('globalNorm: expected at least one tensor.')
  return sqrt(sum(tensors.map((tensor) => cast(reduceSumSquare(tensor), 'float32'))))
}

/**
 * Gradients scaled together so that their norm is at most `limit`.
 *
 * @returns the scaled gradients, and the norm they had.
 *
 * Source: PyTorch's `clip_grad_norm_`, including its 1e-6.
 */
export function clipByGlobalNorm(
  gradients: readonly Tensor[],
  limit: number,
): { gradients: readonly Tensor[]; norm: Tensor } {
  const norm = globalNorm(gradients)
  const scale = minimum(div(limit, add(norm, 1e-6)), 1)
  return { gradients: gradients.map((gradient) => mul(gradient, cast(scale, gradient.dtype))), norm }
}
