import {
  type Inputs,
  type Outputs,
  port,
  RegressionValuesType,
  registerTarget,
  typecheck,
  validateConfig,
} from '@nemo/core'
import { squeeze } from '@nemo/graph'
import { z } from 'zod'
import { Classifier, classifierFields } from './classifier.js'
import { MultiLayerPerceptron } from './multiLayerPerceptron.js'
import { tokenAt } from './tokenAt.js'

/** Keys of a `SequenceRegression`, with NeMo's names and defaults. */
export const sequenceRegressionConfigSchema = z.object({
  ...classifierFields,
  /** Linear layers. */
  num_layers: z.int().min(1).default(2),
  /** Which token stands for the sequence; negative ones count from the end. */
  idx_conditioned_on: z.int().default(0),
})

/** Keys of a `SequenceRegression`. */
export type SequenceRegressionConfig = z.input<typeof sequenceRegressionConfigSchema>

/**
 * A number for each sequence, by one token's hidden state.
 *
 * State dict: `mlp.layer0.weight`, ... Source: NeMo v1.0.0 `SequenceRegression`.
 */
export class SequenceRegression extends Classifier {
  static readonly outputTypes = { preds: port('B', RegressionValuesType) }

  readonly mlp: MultiLayerPerceptron
  readonly #index: number

  /** @throws ConfigValidationError naming each wrong key, its value and what is allowed. */
  constructor(config: SequenceRegressionConfig) {
    const valid = validateConfig(sequenceRegressionConfigSchema, config, { source: 'SequenceRegression' })
    super(valid)
    const { hidden_size, num_layers, activation } = valid
    this.#index = valid.idx_conditioned_on
    const mlp = { hidden_size, num_classes: 1, num_layers, activation, log_softmax: false }
    this.mlp = this.addModule('mlp', new MultiLayerPerceptron(mlp))
    this.initialize(valid.use_transformer_init)
  }

  /** `[B, T, hidden_size]` -> `[B]` */
  @typecheck()
  forward({ hiddenStates }: Inputs<typeof SequenceRegression>): Outputs<typeof SequenceRegression> {
    const token = tokenAt(this.dropped(hiddenStates), this.#index)
    return {
      preds: squeeze(
        this.within('mlp', () => this.mlp.forward(token)),
        1,
      ),
    }
  }
}

registerTarget(
  [
    'nemo.collections.nlp.modules.common.SequenceRegression',
    'nemo.collections.nlp.modules.common.sequence_regression.SequenceRegression',
  ],
  (args) => new SequenceRegression(args as SequenceRegressionConfig),
)
