import { conv, type Parameter, type Tensor } from '@nemo/graph'
import { Layer } from '../modules/containers.js'
import { defaultUniform } from '../modules/initializers.js'

/** Geometry of a one-dimensional convolution. */
export interface Conv1dOptions {
  readonly stride?: number
  /** Zeros at both ends, or `[left, right]`. Default 0. */
  readonly padding?: number | readonly [number, number]
  readonly dilation?: number
  readonly groups?: number
  readonly bias?: boolean
}

/** Convolution over time. PyTorch's `Conv1d`. */
export class Conv1d extends Layer {
  readonly weight: Parameter
  readonly bias: Parameter | undefined
  readonly stride: number
  readonly padding: number | readonly [number, number]
  readonly dilation: number
  readonly groups: number

  constructor(
    readonly inChannels: number,
    readonly outChannels: number,
    readonly kernelSize: number,
    options: Conv1dOptions = {},
  ) {
    super()
    this.stride = options.stride ?? 1
    this.padding = options.padding ?? 0
    this.dilation = options.dilation ?? 1
    this.groups = options.groups ?? 1
    const fanIn = (inChannels / this.groups) * kernelSize
    this.weight = this.addParameter(
      'weight',
      defaultUniform([outChannels, inChannels / this.groups, kernelSize], fanIn),
    )
    if (options.bias ?? true) this.bias = this.addParameter('bias', defaultUniform([outChannels], fanIn))
  }

  /** `[B, inChannels, T]` -> `[B, outChannels, T']` */
  forward(x: Tensor): Tensor {
    return conv(x, this.weight, this.bias, {
      strides: this.stride,
      pads: this.padding,
      dilations: this.dilation,
      group: this.groups,
    })
  }
}
