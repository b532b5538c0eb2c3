import { constant, gather, lstm, type Tensor } from '@nemo/graph'
import { RecurrentLayer, type RecurrentLayerOptions, stackStates } from './recurrentLayer.js'

/** Hidden and cell state of an `LSTM`, each `[numLayers * directions, B, hiddenSize]`. */
export interface LSTMState {
  readonly hidden: Tensor
  readonly cell: Tensor
}

/** Long short-term memory; gates in the order input, forget, cell, output. PyTorch's `LSTM`, batch first. */
export class LSTM extends RecurrentLayer {
  constructor(inputSize: number, hiddenSize: number, options: RecurrentLayerOptions = {}) {
    super(inputSize, hiddenSize, 4, options)
  }

  /**
   * @param x - `[B, T, inputSize]`
   * @param options.state - Initial state. Default zeros.
   * @param options.lengths - int64 `[B]`: frames after an item's length count for nothing and yield zeros. Default: all count.
   * @returns output `[B, T, directions * hiddenSize]` and the last state.
   */
  forward(
    x: Tensor,
    options: { readonly state?: LSTMState | undefined; readonly lengths?: Tensor } = {},
  ): { output: Tensor; state: LSTMState } {
    const { state, lengths } = options
    const { output, passes } = this.stack(x, (input, weights, reverse, index) =>
      lstm(input, weights, {
        reverse,
        ...(lengths && { lengths }),
        ...(state && {
          state: {
            hidden: gather(state.hidden, constant(index, 'int64')),
            cell: gather(state.cell, constant(index, 'int64')),
          },
        }),
      }),
    )
    const last = (key: 'hidden' | 'cell') => stackStates(passes.map((pass) => pass[key]))
    return { output, state: { hidden: last('hidden'), cell: last('cell') } }
  }
}
