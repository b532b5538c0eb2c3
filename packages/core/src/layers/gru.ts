import { constant, gather, gru, type Tensor } from '@nemo/graph'
import { RecurrentLayer, type RecurrentLayerOptions, stackStates } from './recurrentLayer.js'

/** Gated recurrent unit; gates in the order reset, update, new. PyTorch's `GRU`, batch first. */
export class GRU extends RecurrentLayer {
  constructor(inputSize: number, hiddenSize: number, options: RecurrentLayerOptions = {}) {
    super(inputSize, hiddenSize, 3, options)
  }

  /**
   * @param x - `[B, T, inputSize]`
   * @param options.state - Initial state `[numLayers * directions, B, hiddenSize]`. Default zeros.
   * @param options.lengths - int64 `[B]`: frames after an item's length count for nothing and yield zeros. Default: all count.
   * @returns output `[B, T, directions * hiddenSize]` and the last state.
   */
  forward(
    x: Tensor,
    options: { readonly state?: Tensor | undefined; readonly lengths?: Tensor } = {},
  ): { output: Tensor; state: Tensor } {
    const { state, lengths } = options
    const { output, passes } = this.stack(x, (input, weights, reverse, index) =>
      gru(input, weights, {
        reverse,
        ...(lengths && { lengths }),
        ...(state && { state: gather(state, constant(index, 'int64')) }),
      }),
    )
    return { output, state: stackStates(passes.map(({ hidden }) => hidden)) }
  }
}
