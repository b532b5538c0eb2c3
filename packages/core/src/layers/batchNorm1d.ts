import {
  add,
  batchNormInference,
  batchNormTraining,
  cast,
  constant,
  dimTensor,
  div,
  maximum,
  mul,
  type Parameter,
  sub,
  type Tensor,
} from '@nemo/graph'
import { Layer } from '../modules/containers.js'
import { ones, zeros } from '../modules/initializers.js'
import { recordUpdate, updatedValue } from '../modules/updates.js'

/**
 * Batch normalisation of `[B, C]` or `[B, C, T]`. In training the batch's statistics normalise, and running statistics
 * (the unbiased variance) follow them by `momentum`. PyTorch's `BatchNorm1d`.
 */
export class BatchNorm1d extends Layer {
  readonly weight: Parameter | undefined
  readonly bias: Parameter | undefined
  readonly runningMean: Parameter
  readonly runningVar: Parameter
  readonly numBatchesTracked: Parameter
  readonly #one: readonly [Tensor, Tensor]
  readonly eps: number
  readonly momentum: number

  constructor(
    readonly numFeatures: number,
    options: { eps?: number; momentum?: number; affine?: boolean } = {},
  ) {
    super()
    this.eps = options.eps ?? 1e-5
    this.momentum = options.momentum ?? 0.1
    if (options.affine ?? true) {
      this.weight = this.addParameter('weight', ones([numFeatures]))
      this.bias = this.addParameter('bias', zeros([numFeatures]))
    }
    this.#one = [constant(ones([numFeatures])), constant(zeros([numFeatures]))]
    this.runningMean = this.addBuffer('running_mean', zeros([numFeatures]))
    this.runningVar = this.addBuffer('running_var', ones([numFeatures]))
    this.numBatchesTracked = this.addBuffer('num_batches_tracked', {
      dtype: 'int64',
      shape: [],
      data: new BigInt64Array(1),
    })
  }

  /** Same shape as x. */
  forward(x: Tensor): Tensor {
    const scale = this.weight ?? this.#one[0]
    const offset = this.bias ?? this.#one[1]
    if (!this.training) return batchNormInference(x, scale, offset, this.runningMean, this.runningVar, this.eps)
    const { y, mean, variance } = batchNormTraining(x, scale, offset, this.eps)
    // Values per channel: all axes but the channels.
    let count = dimTensor(x.shape[0]!, [x])
    for (const dim of x.shape.slice(2)) count = mul(count, dimTensor(dim, [x]))
    const n = cast(count, x.dtype)
    // A single value per channel has no unbiased variance; 0 keeps NaN out of the running one. (PyTorch refuses it.)
    const unbiased = mul(variance, div(n, maximum(sub(n, 1), 1)))
    const follow = (running: Parameter, batch: Tensor) =>
      recordUpdate(running, add(mul(updatedValue(running), 1 - this.momentum), mul(batch, this.momentum)))
    follow(this.runningMean, mean)
    follow(this.runningVar, unbiased)
    recordUpdate(this.numBatchesTracked, add(updatedValue(this.numBatchesTracked), constant(1, 'int64')))
    return y
  }
}
