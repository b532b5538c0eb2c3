import { defaultUniform, Layer } from '@nemo/core'
import { conv, type Parameter, type Tensor } from '@nemo/graph'

/** Convolution of images. PyTorch's `Conv2d`, with square kernels. */
export class Conv2d extends Layer {
  readonly weight: Parameter
  readonly bias: Parameter

  constructor(
    inChannels: number,
    outChannels: number,
    readonly kernelSize: number,
    readonly options: { readonly stride?: number; readonly padding?: number } = {},
  ) {
    super()
    const fanIn = inChannels * kernelSize ** 2
    this.weight = this.addParameter('weight', defaultUniform([outChannels, inChannels, kernelSize, kernelSize], fanIn))
    this.bias = this.addParameter('bias', defaultUniform([outChannels], fanIn))
  }

  /** `[B, inChannels, H, W]` -> `[B, outChannels, H', W']` */
  forward(x: Tensor): Tensor {
    const { stride = 1, padding = 0 } = this.options
    return conv(x, this.weight, this.bias, { strides: stride, pads: padding })
  }
}
