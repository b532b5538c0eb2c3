import { dropout, type Tensor } from '@nemo/graph'
import { Layer } from '../modules/containers.js'

/** Zeroes elements with probability `p` while training and scales the rest by 1 / (1 - p). PyTorch's `Dropout`. */
export class Dropout extends Layer {
  constructor(readonly p = 0.5) {
    super()
    if (!(p >= 0 && p <= 1)) throw new RangeError(`Dropout: expected a probability in [0, 1], found ${p}.`)
  }

  forward(x: Tensor): Tensor {
    return this.training ? dropout(x, this.p) : x
  }
}
