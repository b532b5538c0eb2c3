import { activation, BatchNorm1d, Conv1d, Dropout, LayerNorm, Linear, Module } from '@nemo/core'
import { add, mul, sigmoid, split, swapAxes, type Tensor, where } from '@nemo/graph'
import { MultiHeadAttention, type PositionBiases, RelPositionMultiHeadAttention } from './multiHeadAttention.js'

const swish = activation('swish')

class ConformerFeedForward extends Module {
  readonly linear1: Linear
  readonly linear2: Linear
  readonly #dropout: Dropout

  constructor(features: number, inner: number, dropout: number) {
    super()
    this.linear1 = this.addModule('linear1', new Linear(features, inner))
    this.#dropout = this.addModule('dropout', new Dropout(dropout))
    this.linear2 = this.addModule('linear2', new Linear(inner, features))
  }

  forward(x: Tensor): Tensor {
    return this.linear2.forward(this.#dropout.forward(swish.forward(this.linear1.forward(x))))
  }
}

class ConformerConvolution extends Module {
  readonly pointwiseConv1: Conv1d
  readonly depthwiseConv: Conv1d
  readonly batchNorm: BatchNorm1d
  readonly pointwiseConv2: Conv1d

  constructor(features: number, kernelSize: number) {
    super()
    this.pointwiseConv1 = this.addModule('pointwise_conv1', new Conv1d(features, 2 * features, 1))
    const options = { padding: (kernelSize - 1) / 2, groups: features }
    this.depthwiseConv = this.addModule('depthwise_conv', new Conv1d(features, features, kernelSize, options))
    this.batchNorm = this.addModule('batch_norm', new BatchNorm1d(features))
    this.pointwiseConv2 = this.addModule('pointwise_conv2', new Conv1d(features, features, 1))
  }

  /** @param isFrame - bool `[B, 1, T]`: padding is zeroed before it could reach valid frames; outputs are not. */
  forward(x: Tensor, isFrame: Tensor): Tensor {
    const [values, gates] = split(this.pointwiseConv1.forward(swapAxes(x, 1, 2)), 2, 1)
    const gated = where(isFrame, mul(values!, sigmoid(gates!)), 0)
    const convolved = swish.forward(this.batchNorm.forward(this.depthwiseConv.forward(gated)))
    return swapAxes(this.pointwiseConv2.forward(convolved), 1, 2)
  }
}

/** Options of a `ConformerLayer`. */
export interface ConformerLayerOptions {
  readonly features: number
  /** Width of the feed-forward modules. */
  readonly inner: number
  readonly attention: 'rel_pos' | 'abs_pos'
  readonly heads: number
  /** Odd. */
  readonly kernelSize: number
  readonly dropout: number
  readonly attentionDropout: number
  /** Biases that all layers share. */
  readonly biases?: PositionBiases | undefined
}

/**
 * Half a feed-forward module, self-attention, convolution, the other half, each around a residual; then a normalisation.
 *
 * State dict: `norm_feed_forward1.*`, `feed_forward1.*`, `norm_conv.*`, `conv.*`, `norm_self_att.*`, `self_attn.*`,
 * `norm_feed_forward2.*`, `feed_forward2.*`, `norm_out.*`. Source: NeMo v1.0.0 `ConformerLayer`; Gulati et al. 2020.
 */
export class ConformerLayer extends Module {
  readonly normFeedForward1: LayerNorm
  readonly feedForward1: ConformerFeedForward
  readonly normConv: LayerNorm
  readonly conv: ConformerConvolution
  readonly normSelfAtt: LayerNorm
  readonly selfAttn: MultiHeadAttention
  readonly normFeedForward2: LayerNorm
  readonly feedForward2: ConformerFeedForward
  readonly normOut: LayerNorm
  readonly #dropout: Dropout

  constructor(options: ConformerLayerOptions) {
    super()
    const { features, inner, heads, dropout, attentionDropout } = options
    const norm = (name: string) => this.addModule(name, new LayerNorm(features))
    const feedForward = (name: string) => this.addModule(name, new ConformerFeedForward(features, inner, dropout))
    this.normFeedForward1 = norm('norm_feed_forward1')
    this.feedForward1 = feedForward('feed_forward1')
    this.normConv = norm('norm_conv')
    this.conv = this.addModule('conv', new ConformerConvolution(features, options.kernelSize))
    this.normSelfAtt = norm('norm_self_att')
    const attention =
      options.attention === 'rel_pos'
        ? new RelPositionMultiHeadAttention(heads, features, attentionDropout, options.biases)
        : new MultiHeadAttention(heads, features, attentionDropout)
    this.selfAttn = this.addModule('self_attn', attention)
    this.normFeedForward2 = norm('norm_feed_forward2')
    this.feedForward2 = feedForward('feed_forward2')
    this.#dropout = this.addModule('dropout', new Dropout(dropout))
    this.normOut = norm('norm_out')
  }

  /**
   * @param x - `[B, T, features]`
   * @param allowed - bool `[B, 1, T, T]`: which frame may attend to which.
   * @param isFrame - bool `[B, 1, T]`
   * @param positions - Encodings of distances, for `rel_pos`.
   */
  forward(x: Tensor, allowed: Tensor, isFrame: Tensor, positions: Tensor): Tensor {
    const residual = (name: string, y: Tensor, factor: number, part: (y: Tensor) => Tensor) => {
      const change = this.#dropout.forward(this.within(name, () => part(y)))
      return add(factor === 1 ? change : mul(change, factor), y)
    }
    let y = residual('feed_forward1', x, 0.5, (h) => this.feedForward1.forward(this.normFeedForward1.forward(h)))
    y = residual('self_attn', y, 1, (h) => this.selfAttn.forward(this.normSelfAtt.forward(h), allowed, positions))
    y = residual('conv', y, 1, (h) => this.conv.forward(this.normConv.forward(h), isFrame))
    y = residual('feed_forward2', y, 0.5, (h) => this.feedForward2.forward(this.normFeedForward2.forward(h)))
    return this.within('norm_out', () => this.normOut.forward(y))
  }
}
