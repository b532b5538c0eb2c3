import {
  type Activation,
  activation,
  type Inputs,
  LayerNorm,
  Linear,
  LogitsType,
  LogprobsType,
  type Outputs,
  port,
  registerTarget,
  typecheck,
  validateConfig,
} from '@nemo/core'
import { z } from 'zod'
import { Classifier } from './classifier.js'
import { activationField, MultiLayerPerceptron } from './multiLayerPerceptron.js'
import { tokenClassifierConfigSchema } from './tokenClassifier.js'

/** Keys of a `BertPretrainingTokenClassifier`, with NeMo's names and defaults. */
export const bertPretrainingTokenClassifierConfigSchema = z.object({
  ...tokenClassifierConfigSchema.shape,
  /** Of the first layer, and between the others. */
  activation: activationField,
})

/** Keys of a `BertPretrainingTokenClassifier`. */
export type BertPretrainingTokenClassifierConfig = z.input<typeof bertPretrainingTokenClassifierConfigSchema>

/** BERT's own. */
const NORM_EPS = 1e-12

/**
 * BERT's head for masked tokens: a linear layer, an activation and a normalisation before the layers of a
 * `TokenClassifier`. The output is called `logProbs`, or `logits` without `log_softmax`.
 *
 * State dict: `dense.*`, `norm.*`, `mlp.layer0.*`, ... Source: NeMo v1.0.0 `BertPretrainingTokenClassifier`.
 */
export class BertPretrainingTokenClassifier extends Classifier {
  static readonly outputTypes = {
    logProbs: port('B T D', LogprobsType, { optional: true }),
    logits: port('B T D', LogitsType, { optional: true }),
  }

  readonly dense: Linear
  readonly act: Activation
  readonly norm: LayerNorm
  readonly mlp: MultiLayerPerceptron
  readonly #logSoftmax: boolean

  /** @throws ConfigValidationError naming each wrong key, its value and what is allowed. */
  constructor(config: BertPretrainingTokenClassifierConfig) {
    const source = 'BertPretrainingTokenClassifier'
    const valid = validateConfig(bertPretrainingTokenClassifierConfigSchema, config, { source })
    super(valid)
    const { hidden_size, num_classes, num_layers, log_softmax } = valid
    this.#logSoftmax = log_softmax
    this.dense = this.addModule('dense', new Linear(hidden_size, hidden_size))
    this.act = this.addModule('act', activation(valid.activation))
    this.norm = this.addModule('norm', new LayerNorm(hidden_size, { eps: NORM_EPS }))
    const mlp = { hidden_size, num_classes, num_layers, activation: valid.activation, log_softmax }
    this.mlp = this.addModule('mlp', new MultiLayerPerceptron(mlp))
    this.initialize(valid.use_transformer_init)
  }

  /** `[B, T, hidden_size]` -> `[B, T, num_classes]` */
  @typecheck()
  forward({
    hiddenStates,
  }: Inputs<typeof BertPretrainingTokenClassifier>): Outputs<typeof BertPretrainingTokenClassifier> {
    const dropped = this.dropped(hiddenStates)
    const activated = this.act.forward(this.within('dense', () => this.dense.forward(dropped)))
    const transformed = this.within('norm', () => this.norm.forward(activated))
    const output = this.within('mlp', () => this.mlp.forward(transformed))
    return this.#logSoftmax ? { logProbs: output } : { logits: output }
  }
}

registerTarget(
  [
    'nemo.collections.nlp.modules.common.BertPretrainingTokenClassifier',
    'nemo.collections.nlp.modules.common.token_classifier.BertPretrainingTokenClassifier',
  ],
  (args) => new BertPretrainingTokenClassifier(args as BertPretrainingTokenClassifierConfig),
)
