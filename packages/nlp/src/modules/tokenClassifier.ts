import {
  type Inputs,
  LogitsType,
  LogprobsType,
  type Outputs,
  port,
  registerTarget,
  typecheck,
  validateConfig,
} from '@nemo/core'
import { z } from 'zod'
import { Classifier, classifierFields } from './classifier.js'
import { MultiLayerPerceptron } from './multiLayerPerceptron.js'

/** Keys of a `TokenClassifier`, with NeMo's names and defaults. */
export const tokenClassifierConfigSchema = z.object({
  ...classifierFields,
  num_classes: z.int().min(1),
  /** Linear layers. */
  num_layers: z.int().min(1).default(1),
  /** Whether the output is `logProbs`, or `logits`. */
  log_softmax: z.boolean().default(true),
})

/** Keys of a `TokenClassifier`. */
export type TokenClassifierConfig = z.input<typeof tokenClassifierConfigSchema>

/**
 * Classes of each token. The output is called `logProbs`, or `logits` without `log_softmax`.
 *
 * State dict: `mlp.layer0.weight`, ... Source: NeMo v1.0.0 `TokenClassifier`.
 */
export class TokenClassifier extends Classifier {
  static readonly outputTypes = {
    logProbs: port('B T D', LogprobsType, { optional: true }),
    logits: port('B T D', LogitsType, { optional: true }),
  }

  readonly mlp: MultiLayerPerceptron
  readonly #logSoftmax: boolean

  /** @throws ConfigValidationError naming each wrong key, its value and what is allowed. */
  constructor(config: TokenClassifierConfig) {
    const valid = validateConfig(tokenClassifierConfigSchema, config, { source: 'TokenClassifier' })
    super(valid)
    const { hidden_size, num_classes, num_layers, activation, log_softmax } = valid
    this.#logSoftmax = log_softmax
    const mlp = { hidden_size, num_classes, num_layers, activation, log_softmax }
    this.mlp = this.addModule('mlp', new MultiLayerPerceptron(mlp))
    this.initialize(valid.use_transformer_init)
  }

  /** `[B, T, hidden_size]` -> `[B, T, num_classes]` */
  @typecheck()
  forward({ hiddenStates }: Inputs<typeof TokenClassifier>): Outputs<typeof TokenClassifier> {
    const dropped = this.dropped(hiddenStates)
    const output = this.within('mlp', () => this.mlp.forward(dropped))
    return this.#logSoftmax ? { logProbs: output } : { logits: output }
  }
}

registerTarget(
  [
    'nemo.collections.nlp.modules.common.TokenClassifier',
    'nemo.collections.nlp.modules.common.token_classifier.TokenClassifier',
  ],
  (args) => new TokenClassifier(args as TokenClassifierConfig),
)
