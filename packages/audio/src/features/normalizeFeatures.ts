import {
  add,
  cast,
  constant,
  div,
  maximum,
  mul,
  reduceSum,
  sqrt,
  square,
  sub,
  type Tensor,
  unsqueeze,
} from '@nemo/graph'
import { AudioArgumentError, shown } from '../errors.js'
import { frameMask } from './frameMask.js'

/** Mean and standard deviation of each feature, for normalising without the utterance's own statistics. */
export interface FixedNormalization {
  readonly fixed_mean: readonly number[]
  readonly fixed_std: readonly number[]
}

/** Statistics that are fed with the audio, such as those of a long recording of which it is a part. */
export interface TensorNormalization {
  /** What is subtracted: broadcasts to `[B, D, T]`. */
  readonly mean: Tensor
  /** What is divided by, the guard against 0 included: broadcasts to `[B, D, T]`. */
  readonly deviation: Tensor
}

/** How features are normalised: per utterance and feature, per utterance, or by given statistics. */
export type FeatureNormalization = 'per_feature' | 'all_features' | FixedNormalization | TensorNormalization

/** Added to deviations: keeps silent features from being divided by zero. */
export const STD_GUARD = 1e-5

/**
 * Features with zero mean and unit standard deviation over each utterance's valid frames; the deviation is unbiased, plus 1e-5.
 *
 * @param x - `[B, D, T]`; frames beyond the length do not count, but are normalised too.
 * @param lengths - int64 `[B]`, valid frames. An utterance of one frame becomes all zeros.
 * @throws AudioArgumentError if fixed statistics are not D numbers each.
 *
 * Source: NeMo v1.0.0 `normalize_batch`. Differences: NeMo raises for one frame, and wants B * D fixed means.
 */
export function normalizeFeatures(x: Tensor, lengths: Tensor, type: FeatureNormalization): Tensor {
  if (typeof type === 'object' && 'deviation' in type) return div(sub(x, type.mean), type.deviation)
  if (typeof type === 'object') return normalizeFixed(x, type)
  const mask = cast(frameMask(x, lengths), x.dtype)
  const axes = type === 'per_feature' ? [2] : [1, 2]
  const frames = unsqueeze(cast(lengths, x.dtype), [1, 2])
  const count = type === 'per_feature' ? frames : mul(frames, x.dim(1) as number)
  const mean = div(reduceSum(mul(x, mask), axes, true), maximum(count, 1))
  const centred = sub(x, mean)
  const variance = div(reduceSum(mul(square(centred), mask), axes, true), maximum(sub(count, 1), 1))
  return div(centred, add(sqrt(variance), STD_GUARD))
}

function normalizeFixed(x: Tensor, { fixed_mean, fixed_std }: FixedNormalization): Tensor {
  const size = x.dim(1)
  const column = (name: string, values: readonly number[]) => {
    if (values.length !== size) {
      throw new AudioArgumentError(
        `normalize.${name}: expected ${size} numbers, one for each feature, found ${shown(values.length)}.`,
      )
    }
    return constant({ dtype: 'float32', shape: [size, 1], data: Float32Array.from(values) })
  }
  return div(sub(x, column('fixed_mean', fixed_mean)), column('fixed_std', fixed_std))
}
