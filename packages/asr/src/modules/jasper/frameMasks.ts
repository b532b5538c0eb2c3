import { cast, dimTensor, less, range, type Tensor, unsqueeze } from '@nemo/graph'

/**
 * Masks of valid frames, made once for each length tensor and number of frames of a graph that is being drawn, so that
 * all masked convolutions at one time resolution share one.
 */
export class FrameMasks {
  readonly #made = new Map<string, Tensor>()

  /** 1 for frames of x `[B, C, T]` within `lengths` `[B]`, else 0: `[B, 1, T]` of x's dtype. */
  of(x: Tensor, lengths: Tensor): Tensor {
    const key = `${lengths.node.id}.${lengths.index} ${x.dim(2)} ${x.dtype}`
    let mask = this.#made.get(key)
    if (!mask) {
      mask = cast(less(range(dimTensor(x.dim(2), [x])), unsqueeze(lengths, [1, 2])), x.dtype)
      this.#made.set(key, mask)
    }
    return mask
  }
}
