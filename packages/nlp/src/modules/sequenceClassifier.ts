import { type Inputs, LogitsType, type Outputs, port, registerTarget, typecheck, validateConfig } from '@nemo/core'
import { z } from 'zod'
import { Classifier, classifierFields } from './classifier.js'
import { MultiLayerPerceptron } from './multiLayerPerceptron.js'
import { tokenAt } from './tokenAt.js'

/** Keys of a `SequenceClassifier`, with NeMo's names and defaults. */
export const sequenceClassifierConfigSchema = z.object({
  ...classifierFields,
  num_classes: z.int().min(1),
  /** Linear layers. */
  num_layers: z.int().min(1).default(2),
  /** Whether the output is log-probabilities. */
  log_softmax: z.boolean().default(true),
  /** Which token stands for the sequence; negative ones count from the end. */
  idx_conditioned_on: z.int().default(0),
})

/** Keys of a `SequenceClassifier`. */
export type SequenceClassifierConfig = z.input<typeof sequenceClassifierConfigSchema>

/**
 * Classes of whole sequences, by one token's hidden state.
 *
 * State dict: `mlp.layer0.weight`, ... Source: NeMo v1.0.0 `SequenceClassifier`, whose port is `logits` with `log_softmax` too.
 */
export class SequenceClassifier extends Classifier {
  static readonly outputTypes = { logits: port('B D', LogitsType) }

  readonly mlp: MultiLayerPerceptron
  readonly #index: number

  /** @throws ConfigValidationError naming each wrong key, its value and what is allowed. */
  constructor(config: SequenceClassifierConfig) {
    const valid = validateConfig(sequenceClassifierConfigSchema, config, { source: 'SequenceClassifier' })
    super(valid)
    const { hidden_size, num_classes, num_layers, activation, log_softmax } = valid
    this.#index = valid.idx_conditioned_on
    const mlp = { hidden_size, num_classes, num_layers, activation, log_softmax }
    this.mlp = this.addModule('mlp', new MultiLayerPerceptron(mlp))
    this.initialize(valid.use_transformer_init)
  }

  /** `[B, T, hidden_size]` -> `[B, num_classes]` */
  @typecheck()
  forward({ hiddenStates }: Inputs<typeof SequenceClassifier>): Outputs<typeof SequenceClassifier> {
    const token = tokenAt(this.dropped(hiddenStates), this.#index)
    return { logits: this.within('mlp', () => this.mlp.forward(token)) }
  }
}

registerTarget(
  [
    'nemo.collections.nlp.modules.common.SequenceClassifier',
    'nemo.collections.nlp.modules.common.sequence_classifier.SequenceClassifier',
  ],
  (args) => new SequenceClassifier(args as SequenceClassifierConfig),
)
