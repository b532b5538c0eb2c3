import { concat, dropout, type RecurrentWeights, type Tensor, unsqueeze } from '@nemo/graph'
import { defaultUniform } from '../modules/initializers.js'
import { Module } from '../modules/module.js'

/** Options of `LSTM` and `GRU`, with PyTorch's defaults. */
export interface RecurrentLayerOptions {
  /** Layers one above the other. Default 1. */
  readonly numLayers?: number
  /** Default true. */
  readonly bias?: boolean
  /** Probability of dropping elements between layers while training. Default 0. */
  readonly dropout?: number
  /** A second direction from the end to the start; outputs stand side by side. Default false. */
  readonly bidirectional?: boolean
}

/**
 * Stacked recurrent layers over `[B, T, inputSize]` with PyTorch's parameters: `weight_ih_l{k}`, `weight_hh_l{k}`,
 * `bias_ih_l{k}`, `bias_hh_l{k}`, each also with `_reverse`.
 */
export abstract class RecurrentLayer extends Module {
  readonly numLayers: number
  readonly dropout: number
  readonly bidirectional: boolean
  // By layer, then by direction.
  readonly #weights: readonly (readonly RecurrentWeights[])[]

  /** @param gates - Blocks of `hiddenSize` rows in each weight. */
  protected constructor(
    readonly inputSize: number,
    readonly hiddenSize: number,
    gates: number,
    options: RecurrentLayerOptions,
  ) {
    super()
    const { numLayers = 1, bias = true, dropout = 0, bidirectional = false } = options
    this.numLayers = numLayers
    this.dropout = dropout
    this.bidirectional = bidirectional
    const suffixes = bidirectional ? ['', '_reverse'] : ['']
    const rows = gates * hiddenSize
    this.#weights = Array.from({ length: numLayers }, (_, layer) =>
      suffixes.map((suffix) => {
        const size = layer === 0 ? inputSize : suffixes.length * hiddenSize
        const make = (name: string, shape: readonly number[]) =>
          this.addParameter(`${name}_l${layer}${suffix}`, defaultUniform(shape, hiddenSize))
        const products = { weightIh: make('weight_ih', [rows, size]), weightHh: make('weight_hh', [rows, hiddenSize]) }
        return bias ? { ...products, biasIh: make('bias_ih', [rows]), biasHh: make('bias_hh', [rows]) } : products
      }),
    )
  }

  /**
   * Runs layer after layer.
   *
   * @param pass - One direction of one layer; `index` counts directions over all layers, as axis 0 of PyTorch's states.
   * @returns the last layer's output `[B, T, directions * hiddenSize]`, and what the passes gave.
   */
  protected stack<R extends { readonly output: Tensor }>(
    x: Tensor,
    pass: (x: Tensor, weights: RecurrentWeights, reverse: boolean, index: number) => R,
  ): { output: Tensor; passes: readonly R[] } {
    const passes: R[] = []
    let output = x
    for (const [layer, directions] of this.#weights.entries()) {
      if (layer > 0 && this.training && this.dropout > 0) output = dropout(output, this.dropout)
      const results = directions.map((weights, d) => pass(output, weights, d === 1, layer * directions.length + d))
      output =
        results.length === 1
          ? results[0]!.output
          : concat(
              results.map((result) => result.output),
              2,
            )
      passes.push(...results)
    }
    return { output, passes }
  }
}

/** States `[B, H]` of all layers and directions as PyTorch holds them, `[numLayers * directions, B, H]`. */
export const stackStates = (states: readonly Tensor[]): Tensor =>
  concat(
    states.map((state) => unsqueeze(state, 0)),
    0,
  )
