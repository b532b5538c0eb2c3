import { BatchNorm1d, Dropout, LSTM, type LSTMState, Module, ModuleList } from '@nemo/core'
import { concat, narrow, reshape, type Tensor } from '@nemo/graph'

/** Batch normalisation of the last axis, over all others. */
class OverLastDim extends Module {
  readonly module: BatchNorm1d

  constructor(features: number) {
    super()
    this.module = this.addModule('module', new BatchNorm1d(features))
  }

  forward(x: Tensor): Tensor {
    const rows = reshape(x, [-1, x.shape.at(-1)!])
    return reshape(this.module.forward(rows), x.shape, [x])
  }
}

class NormalizedLSTM extends Module {
  readonly bn: OverLastDim | undefined
  readonly rnn: LSTM

  // The normalisation's own bias makes the LSTM's superfluous.
  constructor(size: number, normalized: boolean) {
    super()
    if (normalized) this.bn = this.addModule('bn', new OverLastDim(size))
    this.rnn = this.addModule('rnn', new LSTM(size, size, { bias: !normalized }))
  }

  forward(x: Tensor, state?: LSTMState): { output: Tensor; state: LSTMState } {
    return this.rnn.forward(this.bn?.forward(x) ?? x, { state })
  }
}

/**
 * Stacked LSTM, each layer but the first after batch normalisation over items and steps, padded ones too; dropout after
 * each layer but the last. Layers keep PyTorch's default initialisation, as in NeMo.
 *
 * State dict: `layers.{i}.bn.module.*`, `layers.{i}.rnn.*`; dropout layers count. Source: NeMo v1.0.0 `BNRNNSum`.
 */
export class BatchNormLSTM extends Module {
  readonly layers: ModuleList

  constructor(size: number, numLayers: number, dropout: number) {
    super()
    this.layers = this.addModule('layers', new ModuleList())
    for (let i = 0; i < numLayers; i++) {
      this.layers.append(new NormalizedLSTM(size, i > 0))
      if (dropout > 0 && i < numLayers - 1) this.layers.append(new Dropout(dropout))
    }
  }

  /** `[B, U, size]` -> output `[B, U, size]` and the last state, `[numLayers, B, size]` each. */
  forward(x: Tensor, state?: LSTMState): { output: Tensor; state: LSTMState } {
    const last: LSTMState[] = []
    let output = x
    for (const layer of this.layers) {
      if (layer instanceof NormalizedLSTM) {
        const result = layer.forward(output, state && layerOf(state, last.length))
        output = result.output
        last.push(result.state)
      } else output = (layer as Dropout).forward(output)
    }
    const joined = (key: 'hidden' | 'cell') =>
      concat(
        last.map((one) => one[key]),
        0,
      )
    return { output, state: { hidden: joined('hidden'), cell: joined('cell') } }
  }
}

const layerOf = ({ hidden, cell }: LSTMState, layer: number): LSTMState => ({
  hidden: narrow(hidden, 0, layer, layer + 1),
  cell: narrow(cell, 0, layer, layer + 1),
})
