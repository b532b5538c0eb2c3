import { uniformInit } from '@nemo/core'
import type { Parameter } from '@nemo/graph'

/** How the LSTM of a prediction network starts. */
export interface RecurrentInit {
  /** Forget gates start open by this bias (Jozefowicz et al. 2015); null leaves the default. */
  readonly forgetGateBias: number | null
  /** Longest span to remember, in steps: chrono initialisation (Tallec & Ollivier 2018). It wins over the bias. */
  readonly tMax: number | null
  /** Factor on all weights and biases afterwards. */
  readonly weightsInitScale: number
  /** Factor on the forget gates' second bias. */
  readonly hiddenHiddenBiasScale: number
}

/**
 * Initialises parameters of an LSTM (`weight_ih_l0`, `bias_hh_l0` ...) on top of PyTorch's default.
 *
 * Source: NeMo v1.0.0 `LSTMDropout`.
 */
export function initRecurrent(parameters: ReadonlyMap<string, Parameter>, init: RecurrentInit): void {
  for (const [name, parameter] of parameters) {
    const data = Float32Array.from(parameter.hostValue!.data as Float32Array)
    const hidden = data.length / 4
    if (name.startsWith('bias_') && init.tMax !== null) chrono(data, hidden, init.tMax)
    else if (init.forgetGateBias !== null && name.startsWith('bias_ih')) {
      data.fill(init.forgetGateBias, hidden, 2 * hidden)
    } else if (init.forgetGateBias !== null && name.startsWith('bias_hh')) {
      for (let i = hidden; i < 2 * hidden; i++) data[i]! *= init.hiddenHiddenBiasScale
    }
    for (let i = 0; i < data.length; i++) data[i]! *= init.weightsInitScale
    parameter.set({ dtype: 'float32', shape: parameter.shape, data })
  }
}

// Forget gates remember for spans up to tMax; input gates mirror them, the others start at 0.
function chrono(bias: Float32Array, hidden: number, tMax: number): void {
  const spans = uniformInit([hidden], 1, tMax - 1).data
  bias.fill(0)
  for (const [i, span] of spans.entries()) {
    bias[hidden + i] = Math.log(span)
    bias[i] = -Math.log(span)
  }
}
