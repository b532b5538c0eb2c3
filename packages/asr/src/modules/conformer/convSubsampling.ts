import { activation, Layer, Linear, Module, Sequential } from '@nemo/core'
import { add, constant, div, maxPool, multiplyDims, reshape, type Tensor, transpose, unsqueeze } from '@nemo/graph'
import { Conv2d } from './conv2d.js'

/** Ways of subsampling: max pooling after pairs of convolutions, or strided convolutions. */
export type SubsamplingKind = 'vggnet' | 'striding'

/** Options of `ConvSubsampling`. */
export interface ConvSubsamplingOptions {
  readonly kind: SubsamplingKind
  /** A power of 2. */
  readonly factor: number
  readonly featIn: number
  readonly featOut: number
  readonly channels: number
}

class HalvingPool extends Layer {
  forward(x: Tensor): Tensor {
    return maxPool(x, { kernel: 2, strides: 2, ceilMode: true })
  }
}

// Size after one halving; PyTorch's formulas for these kernels.
const halved = {
  vggnet: (size: number) => Math.ceil(size / 2),
  striding: (size: number) => Math.floor((size - 1) / 2) + 1,
} as const

/**
 * Convolutions over time and features that halve both until time is shorter by `factor`, then a linear layer. Padding
 * is not masked, as in NeMo: it reaches into the last valid frames.
 *
 * State dict: `out.*`, `conv.{i}.*`. Source: NeMo v1.0.0 `ConvSubsampling`.
 */
export class ConvSubsampling extends Module {
  readonly out: Linear
  readonly conv: Sequential
  readonly #stages: number

  constructor({ kind, factor, featIn, featOut, channels }: ConvSubsamplingOptions) {
    super()
    this.#stages = Math.log2(factor)
    let size = featIn
    const layers: Layer[] = []
    for (let stage = 0; stage < this.#stages; stage++) {
      const inputs = stage === 0 ? 1 : channels
      if (kind === 'vggnet') {
        layers.push(new Conv2d(inputs, channels, 3, { padding: 1 }), activation('relu'))
        layers.push(new Conv2d(channels, channels, 3, { padding: 1 }), activation('relu'))
        layers.push(new HalvingPool())
      } else layers.push(new Conv2d(inputs, channels, 3, { stride: 2, padding: 1 }), activation('relu'))
      size = halved[kind](size)
    }
    this.out = this.addModule('out', new Linear(channels * size, featOut))
    this.conv = this.addModule('conv', new Sequential(layers))
  }

  /** `[B, T, featIn]` and int64 lengths `[B]` -> `[B, T', featOut]` and lengths. */
  forward(x: Tensor, lengths: Tensor): { x: Tensor; lengths: Tensor } {
    const images = this.within('conv', () => this.conv.forward(unsqueeze(x, 1)))
    const [B, channels, T, size] = images.shape
    const rows = reshape(transpose(images, [0, 2, 1, 3]), [B!, T!, multiplyDims(channels!, size!)], [images])
    let shorter = lengths
    // Both formulas are ceil(length / 2).
    for (let stage = 0; stage < this.#stages; stage++) shorter = div(add(shorter, 1), constant(2, 'int64'))
    return { x: this.within('out', () => this.out.forward(rows)), lengths: shorter }
  }
}
