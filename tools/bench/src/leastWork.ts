import type { Block } from './quartzNet5x3.js'
import type { BatchSize } from './trainStepBatch.js'

/** The least that a training step must move if every kernel were perfect. */
export interface LeastWork {
  /** Convolutions with a weight, each of a separable pair counted for itself; the decoder's too. */
  readonly layers: number
  /** Bytes read and written, float32. */
  readonly bytes: number
}

const FLOAT_BYTES = 4

/**
 * Counts the tensors that cross a kernel's border at least once in a step of QuartzNet with NovoGrad, if everything
 * element-wise runs in the kernels beside it and batch normalisation's statistics in the convolution before it:
 *
 * - a convolution reads its input and weight and writes its output; backward it reads its input, weight and the output's
 *   gradient once, and writes the input's gradient (not that of the features) and the weight's;
 * - batch normalisation reads its input and its output's gradient for their sums before the gradient can go on, and its
 *   input once more beside that gradient; a residual block reads both branches and writes their sum, and reads the sum's
 *   other gradient and its mask;
 * - the optimiser reads weight, momentum and gradient, the latter also for its norm, and writes weight and momentum.
 *
 * The loss and whatever has one number per channel are left out.
 */
export function leastWork(blocks: readonly Block[], size: BatchSize): LeastWork {
  let [layers, floats, weights] = [0, 0, 0]
  let [channels, frames] = [size.features, size.frames]
  const activation = (width: number, length: number) => size.batch * width * length
  const convolution = (input: number, output: number, weight: number, first = false) => {
    layers++
    weights += weight
    floats += input + weight + output
    floats += input + weight + output + (first ? 0 : input) + weight
  }
  const normalization = (output: number) => {
    floats += 3 * output
  }
  for (const [at, { filters, kernel, repeat, stride, separable, residual }] of blocks.entries()) {
    const entry = { channels, frames }
    for (let i = 0; i < repeat; i++) {
      const input = activation(channels, frames)
      const first = at === 0 && i === 0
      frames = Math.ceil(frames / stride)
      const output = activation(filters, frames)
      if (separable) {
        const between = activation(channels, frames)
        convolution(input, between, channels * kernel, first)
        convolution(between, output, channels * filters)
      } else convolution(input, output, channels * filters * kernel, first)
      normalization(output)
      channels = filters
    }
    if (!residual) continue
    const output = activation(channels, frames)
    convolution(activation(entry.channels, entry.frames), output, entry.channels * channels)
    normalization(output)
    floats += 5 * output
  }
  convolution(activation(channels, frames), activation(size.classes, frames), channels * size.classes)
  floats += 6 * weights
  return { layers, bytes: floats * FLOAT_BYTES }
}
