import type { Dim } from '../dim.js'
import { DTypeError } from '../errors.js'
import type { Tensor } from '../tensor.js'
import { div, maximum } from './arithmetic.js'
import { cast } from './cast.js'
import { less } from './comparison.js'
import { expandLike } from './expand.js'
import { range } from './fill.js'
import { type Axes, reduceSum } from './reduction.js'
import { unsqueeze } from './reshape.js'
import { dimTensor } from './shape.js'
import { where } from './where.js'

/**
 * Which frames are not padding: true where t < lengths[b].
 *
 * @param lengths - int64 `[B]`
 * @param frames - T: a number, or a symbol that is read from `sources`.
 * @returns bool `[B, T]`
 */
export function lengthMask(lengths: Tensor, frames: Dim, sources: readonly Tensor[] = []): Tensor {
  if (lengths.dtype !== 'int64' || lengths.rank !== 1)
    throw new DTypeError(`lengthMask: expected int64 lengths of shape [B], found ${lengths}.`)
  return less(unsqueeze(range(dimTensor(frames, sources)), 0), unsqueeze(lengths, 1))
}

/**
 * Mean of the elements where a mask is true; 0 where it is true nowhere. What the mask hides may be anything, NaN too.
 *
 * @param mask - bool, broadcasts to x.
 * @param axes - Axes to average over. Default: all.
 */
export function maskedMean(x: Tensor, mask: Tensor, axes?: Axes, keepDims = false): Tensor {
  const count = reduceSum(expandLike(cast(mask, x.dtype), x), axes, keepDims)
  return div(reduceSum(where(mask, x, 0), axes, keepDims), maximum(count, 1))
}
