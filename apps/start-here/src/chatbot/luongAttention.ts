import { Linear, Module, normalInit } from '@nemo/core'
import {
  add,
  linear,
  matMul,
  mul,
  narrow,
  type Parameter,
  reduceSum,
  softmax,
  swapAxes,
  type Tensor,
  tanh,
  unsqueeze,
  where,
} from '@nemo/graph'
import type { ChatbotConfig } from './encoderRNN.js'

/**
 * Where to look in the source while saying each word. State dict: `attn.weight`, `attn.bias` (general, concat), `v` (concat).
 * Source: NeMo v0.9.0 `Attn`; Luong et al. 2015. Difference: frames beyond a source's length get no weight.
 */
export class LuongAttention extends Module {
  readonly #attn: Linear | undefined
  readonly #v: Parameter | undefined

  constructor(
    method: ChatbotConfig['attn_model'],
    readonly hiddenSize: number,
  ) {
    super()
    if (method !== 'dot')
      this.#attn = this.addModule('attn', new Linear(method === 'concat' ? 2 * hiddenSize : hiddenSize, hiddenSize))
    if (method === 'concat') this.#v = this.addParameter('v', normalInit([hiddenSize]))
  }

  /**
   * @param states - `[B, U, H]`
   * @param encoded - `[B, T, H]`
   * @param valid - bool `[B, T]`
   * @returns the weighted sums of `encoded`, `[B, U, H]`.
   */
  forward(states: Tensor, encoded: Tensor, valid: Tensor): Tensor {
    const weights = softmax(where(unsqueeze(valid, 1), this.#energies(states, encoded), -1e9), -1)
    return matMul(weights, encoded)
  }

  // `[B, U, T]`
  #energies(states: Tensor, encoded: Tensor): Tensor {
    if (!this.#attn) return matMul(states, swapAxes(encoded, 1, 2))
    if (!this.#v) return matMul(states, swapAxes(this.#attn.forward(encoded), 1, 2))
    // The weights of the two halves of [state, encoded], so that not every pair is joined.
    const { weight, bias } = this.#attn
    const byState = linear(states, narrow(weight, 1, 0, this.hiddenSize))
    const byEncoded = linear(encoded, narrow(weight, 1, this.hiddenSize), bias)
    const energy = tanh(add(unsqueeze(byState, 2), unsqueeze(byEncoded, 1)))
    return reduceSum(mul(energy, this.#v), -1)
  }
}
