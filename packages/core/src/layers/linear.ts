import { linear, type Parameter, type Tensor } from '@nemo/graph'
import { Layer } from '../modules/containers.js'
import { defaultUniform } from '../modules/initializers.js'

/** x Wᵀ + b over the last axis. PyTorch's `Linear`. */
export class Linear extends Layer {
  readonly weight: Parameter
  readonly bias: Parameter | undefined

  constructor(
    readonly inFeatures: number,
    readonly outFeatures: number,
    options: { bias?: boolean } = {},
  ) {
    super()
    this.weight = this.addParameter('weight', defaultUniform([outFeatures, inFeatures], inFeatures))
    if (options.bias ?? true) this.bias = this.addParameter('bias', defaultUniform([outFeatures], inFeatures))
  }

  /** `[..., inFeatures]` -> `[..., outFeatures]` */
  forward(x: Tensor): Tensor {
    return linear(x, this.weight, this.bias)
  }
}
