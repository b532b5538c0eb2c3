import type { Dim } from '../dim.js'
import { ShapeError } from '../errors.js'
import type { Tensor } from '../tensor.js'
import { sigmoid, tanh } from './activation.js'
import { add, mul, sub } from './arithmetic.js'
import { split } from './concat.js'
import { fill } from './fill.js'
import { lengthMask } from './lengthMask.js'
import { linear } from './matMul.js'
import { unsqueeze } from './reshape.js'
import { scan } from './scan.js'
import { transpose } from './transpose.js'
import { where } from './where.js'

/** Weights of one direction of one recurrent layer, under PyTorch's names; G is 4 for LSTM and 3 for GRU. */
export interface RecurrentWeights {
  /** `[G H, I]` */
  readonly weightIh: Tensor
  /** `[G H, H]` */
  readonly weightHh: Tensor
  /** `[G H]` */
  readonly biasIh?: Tensor
  /** `[G H]` */
  readonly biasHh?: Tensor
}

/** Options of `lstm` and `gru`. */
export interface RecurrentOptions {
  /** int64 `[B]`: frames after an item's length neither move its state nor yield output (zeros). Default: all frames count. */
  readonly lengths?: Tensor
  /** Runs from the last (valid) frame to the first. */
  readonly reverse?: boolean
}

/** A cell: maps the states and the projected frame `[B, G H]` to new states; the first is the output. */
type Cell = (states: readonly Tensor[], projected: Tensor) => readonly Tensor[]

function recur(
  x: Tensor,
  weights: RecurrentWeights,
  initial: readonly Tensor[],
  gates: number,
  cell: Cell,
  options: RecurrentOptions,
) {
  const hidden = weights.weightHh.shape[1]!
  if (x.rank !== 3) throw new ShapeError(`Recurrent layer: expected frames of shape [B, T, I], found ${x}.`)
  if (typeof hidden === 'number' && weights.weightIh.shape[0] !== gates * hidden) {
    throw new ShapeError(`Recurrent layer: expected ${gates} x ${hidden} rows in weightIh, found ${weights.weightIh}.`)
  }
  const [, T] = x.shape as readonly [Dim, Dim, Dim]
  // The products with the frames need no loop.
  const projected = linear(transpose(x, [1, 0, 2]), weights.weightIh, weights.biasIh)
  const valid = options.lengths && unsqueeze(transpose(lengthMask(options.lengths, T, [x]), [1, 0]), 2)
  const { states, rows } = scan({
    states: initial,
    sequences: valid ? [projected, valid] : [projected],
    reverse: options.reverse ?? false,
    step: (before, [frame, isFrame]) => {
      const after = cell(before, frame!)
      const kept = after.map((state, i) => (isFrame ? where(isFrame, state, before[i]!) : state))
      return { states: kept, rows: [isFrame ? where(isFrame, after[0]!, 0) : after[0]!] }
    },
  })
  return { output: transpose(rows[0]!, [1, 0, 2]), states }
}

const zeroState = (x: Tensor, weights: RecurrentWeights): Tensor =>
  fill([x.shape[0]!, weights.weightHh.shape[1]!], 0, x.dtype, [x, weights.weightHh])

/**
 * Long short-term memory over `[B, T, I]`; gates in PyTorch's order (input, forget, cell, output).
 *
 * @param state - Initial hidden and cell state, `[B, H]` each. Default zeros.
 * @returns the hidden state at each frame `[B, T, H]`, and the last hidden and cell state.
 *
 * Source: PyTorch's `nn.LSTM`, one layer and direction.
 */
export function lstm(
  x: Tensor,
  weights: RecurrentWeights,
  options: RecurrentOptions & { readonly state?: { readonly hidden: Tensor; readonly cell: Tensor } } = {},
): { output: Tensor; hidden: Tensor; cell: Tensor } {
  const initial = options.state
    ? [options.state.hidden, options.state.cell]
    : [zeroState(x, weights), zeroState(x, weights)]
  const step: Cell = ([hidden, cell], projected) => {
    const [i, f, g, o] = split(add(projected, linear(hidden!, weights.weightHh, weights.biasHh)), 4, 1)
    const next = add(mul(sigmoid(f!), cell!), mul(sigmoid(i!), tanh(g!)))
    return [mul(sigmoid(o!), tanh(next)), next]
  }
  const { output, states } = recur(x, weights, initial, 4, step, options)
  return { output, hidden: states[0]!, cell: states[1]! }
}

/**
 * Gated recurrent unit over `[B, T, I]`; gates in PyTorch's order (reset, update, new).
 *
 * @param state - Initial hidden state `[B, H]`. Default zeros.
 * @returns the hidden state at each frame `[B, T, H]`, and the last one.
 *
 * Source: PyTorch's `nn.GRU`, one layer and direction.
 */
export function gru(
  x: Tensor,
  weights: RecurrentWeights,
  options: RecurrentOptions & { readonly state?: Tensor } = {},
): { output: Tensor; hidden: Tensor } {
  const step: Cell = ([hidden], projected) => {
    const [xr, xz, xn] = split(projected, 3, 1)
    const [hr, hz, hn] = split(linear(hidden!, weights.weightHh, weights.biasHh), 3, 1)
    const update = sigmoid(add(xz!, hz!))
    const candidate = tanh(add(xn!, mul(sigmoid(add(xr!, hr!)), hn!)))
    return [add(mul(sub(1, update), candidate), mul(update, hidden!))]
  }
  const { output, states } = recur(x, weights, [options.state ?? zeroState(x, weights)], 3, step, options)
  return { output, hidden: states[0]! }
}
