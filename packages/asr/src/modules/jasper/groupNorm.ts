import { Layer, ModuleError, ones, zeros } from '@nemo/core'
import {
  add,
  div,
  mul,
  type Parameter,
  reduceMean,
  reshape,
  sqrt,
  square,
  sub,
  type Tensor,
  unsqueeze,
} from '@nemo/graph'

/**
 * Normalises each item's channels `[B, C, T]` in `numGroups` groups, over channels of the group and all frames, then
 * scales and shifts each channel. PyTorch's `GroupNorm`: 1 group is layer, C groups are instance normalisation.
 */
export class GroupNorm extends Layer {
  readonly weight: Parameter
  readonly bias: Parameter
  readonly eps: number

  constructor(
    readonly numGroups: number,
    readonly numChannels: number,
    options: { readonly eps?: number } = {},
  ) {
    super()
    if (numGroups < 1 || numChannels % numGroups !== 0) {
      throw new ModuleError(`GroupNorm: ${numChannels} channels cannot form ${numGroups} groups of equal size.`)
    }
    this.eps = options.eps ?? 1e-5
    this.weight = this.addParameter('weight', ones([numChannels]))
    this.bias = this.addParameter('bias', zeros([numChannels]))
  }

  /** Same shape as x `[B, C, T]`. */
  forward(x: Tensor): Tensor {
    const [batch, frames] = [x.dim(0), x.dim(2)]
    const perGroup = this.numChannels / this.numGroups
    const single = this.numGroups === 1 || perGroup === 1
    const grouped = single ? x : reshape(x, [batch, this.numGroups, perGroup, frames], [x])
    const axes = single ? (perGroup === 1 ? [2] : [1, 2]) : [2, 3]
    const centred = sub(grouped, reduceMean(grouped, axes, true))
    const normal = div(centred, sqrt(add(reduceMean(square(centred), axes, true), this.eps)))
    const y = single ? normal : reshape(normal, [batch, this.numChannels, frames], [x])
    return add(mul(y, unsqueeze(this.weight, 1)), unsqueeze(this.bias, 1))
  }
}
