import {
  EncodedRepresentation,
  type Inputs,
  LengthsType,
  Linear,
  LogitsType,
  NeuralModule,
  type Outputs,
  port,
  typecheck,
} from '@nemo/core'
import { cast, dimTensor, div, less, maximum, range, reduceSum, unsqueeze, where } from '@nemo/graph'

/** The keys of a `MeanPoolingDecoder` in a config file. */
export interface MeanPoolingDecoderConfig {
  /** Features of a frame, D. */
  readonly feat_in: number
  /** Classes to tell apart. */
  readonly num_classes: number
}

/**
 * Classifies sequences by the mean of their valid frames: mean over T, then a linear layer. A sequence
 * without any valid frame has the mean 0.
 *
 * Ports: `encoderOutput` `[B, D, T]`, `lengths` `[B]` in frames; `logits` `[B, num_classes]`.
 * Parameters: `linear.weight` `[num_classes, feat_in]`, `linear.bias` `[num_classes]`.
 */
export class MeanPoolingDecoder extends NeuralModule {
  static readonly inputTypes = {
    encoderOutput: port('B D T', EncodedRepresentation),
    lengths: port('B', LengthsType),
  }
  static readonly outputTypes = { logits: port('B D', LogitsType) }

  readonly linear: Linear

  constructor({ feat_in, num_classes }: MeanPoolingDecoderConfig) {
    super()
    this.linear = this.addModule('linear', new Linear(feat_in, num_classes))
  }

  @typecheck()
  forward({ encoderOutput, lengths }: Inputs<typeof MeanPoolingDecoder>): Outputs<typeof MeanPoolingDecoder> {
    const frames = range(dimTensor(encoderOutput.shape[2]!, [encoderOutput]))
    const valid = unsqueeze(less(frames, unsqueeze(lengths, 1)), 1)
    // Not a product with the mask: padding may hold infinities or NaN.
    const total = reduceSum(where(valid, encoderOutput, 0), 2)
    const count = reduceSum(cast(valid, 'float32'), 2)
    const mean = div(total, maximum(count, 1))
    return { logits: this.within('linear', () => this.linear.forward(mean)) }
  }
}
