import type { TensorData } from '@nemo/graph'

/** Size of a training batch. */
export interface BatchSize {
  readonly batch: number
  /** Mel frames of the longest item, 100 a second and one more. */
  readonly frames: number
  readonly features: number
  /** Characters of each target. */
  readonly target: number
  /** Classes, the blank (last) included. */
  readonly classes: number
}

/**
 * A batch of noise with random targets. Lengths rise evenly from three quarters of the frames to all of them, as in a
 * batch from a bucket; `peers/quartznet_step.py` does the same.
 */
export function noiseBatch(size: BatchSize, random: () => number): Record<string, TensorData> {
  const { batch, frames, features, target, classes } = size
  const shortest = Math.floor((frames * 3) / 4)
  const lengths = Array.from({ length: batch }, (_, i) =>
    Math.floor(batch > 1 ? shortest + ((frames - shortest) * i) / (batch - 1) : frames),
  )
  // A sum of uniform numbers is near enough to a normal one: variance 1, mean 0.
  const normal = () => Array.from({ length: 12 }, random).reduce((a, b) => a + b, -6)
  const int64 = (values: readonly number[], shape: readonly number[]): TensorData => ({
    dtype: 'int64',
    shape,
    data: BigInt64Array.from(values, BigInt),
  })
  return {
    features: {
      dtype: 'float32',
      shape: [batch, features, frames],
      data: Float32Array.from({ length: batch * features * frames }, normal),
    },
    length: int64(lengths, [batch]),
    targets: int64(
      Array.from({ length: batch * target }, () => Math.floor(random() * (classes - 1))),
      [batch, target],
    ),
    target_length: int64(new Array<number>(batch).fill(target), [batch]),
  }
}
