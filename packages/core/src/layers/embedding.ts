import { gather, type Parameter, type Tensor } from '@nemo/graph'
import { normalInit } from '../modules/initializers.js'
import { Module } from '../modules/module.js'

/** Rows of a table by index. PyTorch's `Embedding`. */
export class Embedding extends Module {
  readonly weight: Parameter

  constructor(
    readonly numEmbeddings: number,
    readonly embeddingDim: number,
    options: { paddingIdx?: number } = {},
  ) {
    super()
    const table = normalInit([numEmbeddings, embeddingDim])
    const row = options.paddingIdx
    if (row !== undefined) table.data.fill(0, row * embeddingDim, (row + 1) * embeddingDim)
    this.weight = this.addParameter('weight', table)
  }

  /** int64 `[...]` -> `[..., embeddingDim]` */
  forward(indices: Tensor): Tensor {
    return gather(this.weight, indices, 0)
  }
}
