import { add, constant, div, mul, type Parameter, reduceMean, sqrt, square, sub, type Tensor } from '@nemo/graph'
import { Layer } from '../modules/containers.js'
import { ones, zeros } from '../modules/initializers.js'

/** Layer normalisation over the last axis. PyTorch's `LayerNorm`. */
export class LayerNorm extends Layer {
  readonly weight: Parameter | undefined
  readonly bias: Parameter | undefined
  readonly eps: number

  constructor(
    readonly normalizedShape: number,
    options: { eps?: number; affine?: boolean } = {},
  ) {
    super()
    this.eps = options.eps ?? 1e-5
    if (options.affine ?? true) {
      this.weight = this.addParameter('weight', ones([normalizedShape]))
      this.bias = this.addParameter('bias', zeros([normalizedShape]))
    }
  }

  /** Same shape as x, whose last axis has `normalizedShape` elements. */
  forward(x: Tensor): Tensor {
    const centred = sub(x, reduceMean(x, -1, true))
    const y = div(centred, sqrt(add(reduceMean(square(centred), -1, true), constant(this.eps))))
    return this.weight && this.bias ? add(mul(y, this.weight), this.bias) : y
  }
}
