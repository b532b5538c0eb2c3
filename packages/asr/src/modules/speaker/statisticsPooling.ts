import {
  cast,
  concat,
  dimTensor,
  div,
  greater,
  matMul,
  reduceMean,
  reduceSum,
  reshape,
  sqrt,
  square,
  sub,
  swapAxes,
  type Tensor,
  where,
} from '@nemo/graph'

/** `xvector`: mean and deviation. `gram`: the frames' second moments. `superVector`: both. */
export type PoolMode = 'xvector' | 'gram' | 'superVector'

/** Numbers that pooling makes of `features` channels. */
export function pooledSize(features: number, mode: PoolMode): number {
  const [moments, statistics] = [features ** 2, 2 * features]
  return { xvector: statistics, gram: moments, superVector: statistics + moments }[mode]
}

/**
 * Statistics over all frames, padded ones included: `[B, D, T]` -> `[B, pooledSize]`. The deviation is unbiased; second
 * moments are X Xᵀ / T.
 *
 * Source: NeMo v1.0.0 `StatsPoolLayer`.
 */
export function statisticsPooling(x: Tensor, mode: PoolMode): Tensor {
  const [B, D, T] = x.shape as readonly [Tensor['shape'][0], number, Tensor['shape'][0]]
  const frames = cast(dimTensor(T, [x]), x.dtype)
  const statistics = () => {
    const centred = sub(x, reduceMean(x, 2, true))
    const variance = div(reduceSum(square(centred), 2), sub(frames, 1))
    // A channel that never changes has no gradient, as in PyTorch; that of a square root at 0 would be infinite.
    const varies = greater(variance, 0)
    const deviation = where(varies, sqrt(where(varies, variance, 1)), 0)
    return concat([reduceMean(x, 2), deviation], 1)
  }
  const moments = () => div(reshape(matMul(x, swapAxes(x, 1, 2)), [B, D * D], [x]), frames)
  if (mode === 'xvector') return statistics()
  return mode === 'gram' ? moments() : concat([statistics(), moments()], 1)
}
