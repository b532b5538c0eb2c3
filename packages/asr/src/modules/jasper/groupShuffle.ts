import { Layer } from '@nemo/core'
import { reshape, type Tensor, transpose } from '@nemo/graph'

/** Interleaves the channels of groups, so that grouped convolutions in a row mix. ShuffleNet; NeMo's `GroupShuffle`. */
export class GroupShuffle extends Layer {
  constructor(
    readonly groups: number,
    readonly channels: number,
  ) {
    super()
  }

  /** Same shape as x `[B, C, T]`. */
  forward(x: Tensor): Tensor {
    const split = reshape(x, [x.dim(0), this.groups, this.channels / this.groups, x.dim(2)], [x])
    return reshape(transpose(split, [0, 2, 1, 3]), [x.dim(0), this.channels, x.dim(2)], [x])
  }
}
