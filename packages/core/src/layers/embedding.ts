import { equal, gather, type Parameter, stopGradient, type Tensor, unsqueeze, where } from '@nemo/graph'
import { ModuleError } from '../modules/errors.js'
import { normalInit } from '../modules/initializers.js'
import { Module } from '../modules/module.js'

/** Rows of a table by index. PyTorch's `Embedding`. */
export class Embedding extends Module {
  readonly weight: Parameter
  /** Row that is zero at the start and is not trained. */
  readonly paddingIdx: number | undefined

  /**
   * @param options.paddingIdx - Row for padding: zero at the start, no gradient. Negative ones count from the end.
   * @throws ModuleError for a row outside the table.
   */
  constructor(
    readonly numEmbeddings: number,
    readonly embeddingDim: number,
    options: { paddingIdx?: number } = {},
  ) {
    super()
    const table = normalInit([numEmbeddings, embeddingDim])
    const { paddingIdx } = options
    const row = paddingIdx !== undefined && paddingIdx < 0 ? numEmbeddings + paddingIdx : paddingIdx
    if (row !== undefined && !(Number.isInteger(row) && row >= 0 && row < numEmbeddings))
      throw new ModuleError(`Embedding: paddingIdx ${paddingIdx} is outside the table of ${numEmbeddings} rows.`)
    this.paddingIdx = row
    if (row !== undefined) table.data.fill(0, row * embeddingDim, (row + 1) * embeddingDim)
    this.weight = this.addParameter('weight', table)
  }

  /** int64 `[...]` -> `[..., embeddingDim]` */
  forward(indices: Tensor): Tensor {
    const rows = gather(this.weight, indices, 0)
    if (this.paddingIdx === undefined || !this.training) return rows
    return where(unsqueeze(equal(indices, this.paddingIdx), -1), stopGradient(rows), rows)
  }
}
