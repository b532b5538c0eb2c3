import { type Inputs, LogitsType, type Outputs, port, registerTarget, typecheck, validateConfig } from '@nemo/core'
import { z } from 'zod'
import { Classifier, classifierFields } from './classifier.js'
import { MultiLayerPerceptron } from './multiLayerPerceptron.js'
import { tokenAt } from './tokenAt.js'

/** Keys of a `SequenceTokenClassifier`, with NeMo's names and defaults. */
export const sequenceTokenClassifierConfigSchema = z.object({
  ...classifierFields,
  /** Classes of sequences. */
  num_intents: z.int().min(1),
  /** Classes of tokens. */
  num_slots: z.int().min(1),
  /** Linear layers of each. */
  num_layers: z.int().min(1).default(2),
  /** Whether the outputs are log-probabilities. */
  log_softmax: z.boolean().default(false),
})

/** Keys of a `SequenceTokenClassifier`. */
export type SequenceTokenClassifierConfig = z.input<typeof sequenceTokenClassifierConfigSchema>

/**
 * Classes of whole sequences (intents), by their first token, and of each token (slots).
 *
 * State dict: `intent_mlp.layer0.*`, ..., `slot_mlp.layer0.*`, ... Source: NeMo v1.0.0 `SequenceTokenClassifier`.
 */
export class SequenceTokenClassifier extends Classifier {
  static readonly outputTypes = { intentLogits: port('B D', LogitsType), slotLogits: port('B T D', LogitsType) }

  readonly intentMlp: MultiLayerPerceptron
  readonly slotMlp: MultiLayerPerceptron

  /** @throws ConfigValidationError naming each wrong key, its value and what is allowed. */
  constructor(config: SequenceTokenClassifierConfig) {
    const valid = validateConfig(sequenceTokenClassifierConfigSchema, config, { source: 'SequenceTokenClassifier' })
    super(valid)
    const { hidden_size, num_layers, activation, log_softmax } = valid
    const mlp = { hidden_size, num_layers, activation, log_softmax }
    this.intentMlp = this.addModule('intent_mlp', new MultiLayerPerceptron({ ...mlp, num_classes: valid.num_intents }))
    this.slotMlp = this.addModule('slot_mlp', new MultiLayerPerceptron({ ...mlp, num_classes: valid.num_slots }))
    this.initialize(valid.use_transformer_init)
  }

  /** `[B, T, hidden_size]` -> `[B, num_intents]` and `[B, T, num_slots]` */
  @typecheck()
  forward({ hiddenStates }: Inputs<typeof SequenceTokenClassifier>): Outputs<typeof SequenceTokenClassifier> {
    const dropped = this.dropped(hiddenStates)
    const first = tokenAt(dropped, 0)
    return {
      intentLogits: this.within('intent_mlp', () => this.intentMlp.forward(first)),
      slotLogits: this.within('slot_mlp', () => this.slotMlp.forward(dropped)),
    }
  }
}

registerTarget(
  [
    'nemo.collections.nlp.modules.common.SequenceTokenClassifier',
    'nemo.collections.nlp.modules.common.sequence_token_classifier.SequenceTokenClassifier',
  ],
  (args) => new SequenceTokenClassifier(args as SequenceTokenClassifierConfig),
)
