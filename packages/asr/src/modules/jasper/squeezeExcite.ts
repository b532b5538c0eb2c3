import { type Activation, Linear, Module, Sequential } from '@nemo/core'
import {
  add,
  cast,
  concat,
  constant,
  conv,
  dimTensor,
  div,
  floor,
  full,
  gather,
  maximum,
  minimum,
  mul,
  padConstant,
  range,
  reduceMean,
  reshape,
  sigmoid,
  sub,
  swapAxes,
  type Tensor,
  unsqueeze,
} from '@nemo/graph'

/** How averages over a window are stretched to all frames. */
export type SqueezeInterpolation = 'nearest' | 'linear' | 'area'

/** Options of `SqueezeExcite`. */
export interface SqueezeExciteOptions {
  readonly reductionRatio: number
  /** Frames to average over; below 1 all of them. */
  readonly contextWindow?: number
  /** Default nearest. */
  readonly interpolation?: SqueezeInterpolation
  readonly activation: Activation
}

let windows = 0

/**
 * Scales channels by gates between 0 and 1 that a bottleneck computes from averages over time (padded frames included).
 *
 * State dict: `fc.0.weight`, `fc.2.weight`. Source: NeMo v1.0.0 `SqueezeExcite`; Hu et al. 2018; Han et al. 2020 (ContextNet).
 */
export class SqueezeExcite extends Module {
  readonly fc: Sequential
  /** Frames to average over; below 1 all of them. May be changed before a graph is drawn. */
  contextWindow: number
  readonly #interpolation: SqueezeInterpolation

  constructor(channels: number, options: SqueezeExciteOptions) {
    super()
    const squeezed = Math.floor(channels / options.reductionRatio)
    this.contextWindow = options.contextWindow ?? -1
    this.#interpolation = options.interpolation ?? 'nearest'
    this.fc = this.addModule(
      'fc',
      new Sequential([
        new Linear(channels, squeezed, { bias: false }),
        options.activation,
        new Linear(squeezed, channels, { bias: false }),
      ]),
    )
  }

  /** Same shape as x `[B, C, T]`. */
  forward(x: Tensor): Tensor {
    if (this.contextWindow < 1) return mul(x, sigmoid(this.#excite(reduceMean(x, 2, true))))
    const gates = this.#excite(windowMeans(x, this.contextWindow))
    return mul(x, sigmoid(stretch(gates, x, this.#interpolation)))
  }

  #excite(means: Tensor): Tensor {
    return swapAxes(this.fc.forward(swapAxes(means, 1, 2)), 1, 2)
  }
}

/** Means over `window` frames at stride 1, `[B, C, T - window + 1]`; the mean of all frames if there are fewer. */
function windowMeans(x: Tensor, window: number): Tensor {
  const [batch, channels, frames] = [x.dim(0), x.dim(1) as number, x.dim(2)]
  if (typeof frames === 'number' && frames < window) return reduceMean(x, 2, true)
  const length = dimTensor(frames, [x])
  const size = constant(window, 'int64')
  const missing = maximum(sub(size, length), constant(0, 'int64'))
  const pads = concat([constant([0, 0, 0, 0, 0], 'int64'), reshape(missing, [1])], 0)
  const padded = padConstant(x, pads, [batch, channels, `window_${windows++}`])
  const weight = full([channels, 1, window], 1 / window)
  const means = conv(padded, weight, undefined, { group: channels })
  const share = div(cast(size, x.dtype), cast(minimum(size, length), x.dtype))
  return mul(means, share)
}

/** y `[B, C, P]` resized along time to the frames of x. PyTorch's `interpolate(size=T)`, corners not aligned. */
function stretch(y: Tensor, x: Tensor, mode: SqueezeInterpolation): Tensor {
  const frames = range(dimTensor(x.dim(2), [x]))
  const position = cast(frames, 'float32')
  const last = sub(dimTensor(y.dim(2), [y]), constant(1, 'int64'))
  // float32 throughout, as PyTorch computes it: the rounding decides which frame is nearest.
  const scale = div(cast(dimTensor(y.dim(2), [y]), 'float32'), cast(dimTensor(x.dim(2), [x]), 'float32'))
  const at = (index: Tensor) => gather(y, minimum(cast(index, 'int64'), last), 2)
  const named = (t: Tensor) => reshape(t, [x.dim(0), x.dim(1), x.dim(2)], [x])
  if (mode === 'nearest') return named(at(floor(mul(position, scale))))
  if (mode === 'area') {
    // Windows hold one or two of the averages: from floor(i P / T) to ceil((i + 1) P / T), exclusive.
    const [count, total] = [dimTensor(y.dim(2), [y]), dimTensor(x.dim(2), [x])]
    const first = div(mul(frames, count), total)
    const end = div(sub(mul(add(frames, 1), count), constant(1, 'int64')), total)
    return named(mul(add(gather(y, first, 2), gather(y, minimum(end, last), 2)), 0.5))
  }
  const source = maximum(sub(mul(add(position, 0.5), scale), 0.5), 0)
  const lower = floor(source)
  const weight = unsqueeze(sub(source, lower), [0, 1])
  const [left, right] = [at(lower), at(add(lower, 1))]
  return named(add(left, mul(sub(right, left), weight)))
}
