import {
  addDims,
  cast,
  concat,
  constant,
  cos,
  type Dim,
  dimTensor,
  mul,
  multiplyDims,
  range,
  reshape,
  sin,
  sub,
  type Tensor,
  unsqueeze,
} from '@nemo/graph'

/**
 * Sines and cosines of positions: `[P, features]`, pairs of both at falling frequencies.
 *
 * Source: Vaswani et al. 2017.
 */
function sinusoids(positions: Tensor, count: Dim, features: number, sources: readonly Tensor[]): Tensor {
  const frequencies = Float32Array.from({ length: features / 2 }, (_, i) =>
    Math.exp(Math.fround(2 * i * -Math.fround(Math.log(10000) / features))),
  )
  const angles = mul(unsqueeze(positions, 1), constant(frequencies))
  const pairs = concat([unsqueeze(sin(angles), 2), unsqueeze(cos(angles), 2)], 2)
  return reshape(pairs, [count, features], [pairs, ...sources])
}

/** Encodings of positions 0 to T - 1, `[T, features]`; T is read from `sources`. */
export function absolutePositions(T: Dim, features: number, sources: readonly Tensor[]): Tensor {
  return sinusoids(cast(range(dimTensor(T, sources)), 'float32'), T, features, sources)
}

/** Encodings of distances T - 1 down to -(T - 1), `[2 T - 1, features]`: positive ones lie in the past. */
export function relativePositions(T: Dim, features: number, sources: readonly Tensor[]): Tensor {
  const count = addDims(multiplyDims(T, 2), -1)
  const distances = sub(sub(dimTensor(T, sources), 1), range(dimTensor(count, sources)))
  return sinusoids(cast(distances, 'float32'), count, features, sources)
}
