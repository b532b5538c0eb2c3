import { LSTM, type LSTMState, Module } from '@nemo/core'
import { dropout, type Tensor } from '@nemo/graph'
import { initRecurrent, type RecurrentInit } from './recurrentInit.js'

/**
 * Stacked LSTM with dropout between layers and after the last.
 *
 * State dict: `lstm.weight_ih_l0` and so on. Source: NeMo v1.0.0 `LSTMDropout`.
 */
export class LSTMDropout extends Module {
  readonly lstm: LSTM

  constructor(
    size: number,
    numLayers: number,
    readonly dropout: number,
    init: RecurrentInit,
  ) {
    super()
    this.lstm = this.addModule('lstm', new LSTM(size, size, { numLayers, dropout }))
    initRecurrent(this.lstm.namedParameters(), init)
  }

  /** `[B, U, size]` -> output `[B, U, size]` and the last state. */
  forward(x: Tensor, state?: LSTMState): { output: Tensor; state: LSTMState } {
    const result = this.within('lstm', () => this.lstm.forward(x, { state }))
    if (!this.training || this.dropout === 0) return result
    return { ...result, output: dropout(result.output, this.dropout) }
  }
}
