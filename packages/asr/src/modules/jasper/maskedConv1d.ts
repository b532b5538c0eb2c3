import { Conv1d, type Conv1dOptions, Module, ModuleError } from '@nemo/core'
import { add, constant, div, mul, multiplyDims, reshape, type Tensor } from '@nemo/graph'
import type { FrameMasks } from './frameMasks.js'

/** A tensor and its valid frames. */
export interface MaskedTensor {
  readonly x: Tensor
  readonly lengths: Tensor
}

/** Options of `MaskedConv1d`. */
export interface MaskedConv1dOptions extends Conv1dOptions {
  /** Depthwise only: channels share this many filters in turn. Default -1: each has its own. */
  readonly heads?: number
}

/**
 * Convolution over time that zeroes frames beyond each item's length first, and tells the lengths of its output.
 *
 * State dict: `conv.weight`, `conv.bias`. Source: NeMo v1.0.0 `MaskedConv1d`.
 */
export class MaskedConv1d extends Module {
  readonly conv: Conv1d
  readonly heads: number
  /** False leaves frames and lengths as they are; models for full-length input only. */
  useMask = true
  readonly #outChannels: number

  constructor(inChannels: number, outChannels: number, kernelSize: number, options: MaskedConv1dOptions = {}) {
    super()
    const { heads = -1, ...geometry } = options
    this.heads = heads
    this.#outChannels = outChannels
    if (heads === -1) {
      this.conv = this.addModule('conv', new Conv1d(inChannels, outChannels, kernelSize, geometry))
      return
    }
    if ((geometry.groups ?? 1) !== inChannels || outChannels !== inChannels || inChannels % heads !== 0) {
      throw new ModuleError(
        `MaskedConv1d: heads ${heads} need a depthwise convolution whose ${inChannels} channels they divide.`,
      )
    }
    this.conv = this.addModule('conv', new Conv1d(heads, heads, kernelSize, { ...geometry, groups: heads }))
  }

  /** floor((length + padding - dilation (kernel - 1) - 1) / stride) + 1 */
  lengthsOf(lengths: Tensor): Tensor {
    const { stride, dilation, kernelSize, padding } = this.conv
    const total = typeof padding === 'number' ? 2 * padding : padding[0] + padding[1]
    const reach = dilation * (kernelSize - 1)
    if (stride === 1 && total === reach) return lengths
    // One stride is added first: ONNX division truncates, and length 0 would make the numerator negative.
    return div(add(lengths, constant(total - reach - 1 + stride, 'int64')), constant(stride, 'int64'))
  }

  /** `[B, inChannels, T]` -> `[B, outChannels, T']` */
  forward({ x, lengths }: MaskedTensor, masks: FrameMasks): MaskedTensor {
    const input = this.useMask ? mul(x, masks.of(x, lengths)) : x
    const after = this.useMask ? this.lengthsOf(lengths) : lengths
    if (this.heads === -1) return { x: this.conv.forward(input), lengths: after }
    const [batch, channels, frames] = [x.dim(0), x.dim(1) as number, x.dim(2)]
    const folded = reshape(input, [multiplyDims(batch, channels / this.heads), this.heads, frames], [x])
    const y = this.conv.forward(folded)
    return { x: reshape(y, [batch, this.#outChannels, y.dim(2)], [x, y]), lengths: after }
  }
}
