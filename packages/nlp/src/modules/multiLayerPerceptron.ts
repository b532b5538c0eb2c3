import { activation, activationNames, type Layer, Linear, Module, registerTarget, validateConfig } from '@nemo/core'
import { logSoftmax, type Tensor } from '@nemo/graph'
import { z } from 'zod'

/** The config key `activation`. */
export const activationField = z.enum(activationNames as [string, ...string[]]).default('relu')

/** Keys of a `MultiLayerPerceptron`, with NeMo's names and defaults. */
export const multiLayerPerceptronConfigSchema = z.object({
  /** Width of the input and of all layers but the last. */
  hidden_size: z.int().min(1),
  /** Width of the output. */
  num_classes: z.int().min(1),
  /** Linear layers. */
  num_layers: z.int().min(1).default(2),
  /** Between the layers. */
  activation: activationField,
  /** Whether the output is log-probabilities. */
  log_softmax: z.boolean().default(true),
})

/** Keys of a `MultiLayerPerceptron`. */
export type MultiLayerPerceptronConfig = z.input<typeof multiLayerPerceptronConfigSchema>

/**
 * Linear layers with activations between them.
 *
 * State dict: `layer0.weight`, `layer0.bias`, `layer2.weight`, ...: activations take the odd numbers.
 * Source: NeMo v1.0.0 `MultiLayerPerceptron`.
 */
export class MultiLayerPerceptron extends Module {
  readonly #layers: readonly (readonly [string, Layer])[]
  readonly #logSoftmax: boolean

  /** @throws ConfigValidationError naming each wrong key, its value and what is allowed. */
  constructor(config: MultiLayerPerceptronConfig) {
    super()
    const valid = validateConfig(multiLayerPerceptronConfigSchema, config, { source: 'MultiLayerPerceptron' })
    const { hidden_size, num_classes, num_layers } = valid
    this.#logSoftmax = valid.log_softmax
    this.#layers = Array.from({ length: 2 * num_layers - 1 }, (_, i) => {
      const width = i === 2 * num_layers - 2 ? num_classes : hidden_size
      const layer = i % 2 === 1 ? activation(valid.activation) : new Linear(hidden_size, width)
      return [`layer${i}`, this.addModule<Layer>(`layer${i}`, layer)] as const
    })
  }

  /** `[..., hidden_size]` -> `[..., num_classes]` */
  forward(hiddenStates: Tensor): Tensor {
    let y = hiddenStates
    for (const [name, layer] of this.#layers) y = this.within(name, () => layer.forward(y))
    return this.#logSoftmax ? logSoftmax(y, -1) : y
  }
}

registerTarget(
  [
    'nemo.collections.common.parts.MultiLayerPerceptron',
    'nemo.collections.common.parts.multi_layer_perceptron.MultiLayerPerceptron',
  ],
  (args) => new MultiLayerPerceptron(args as MultiLayerPerceptronConfig),
)
