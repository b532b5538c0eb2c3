import {
  AcousticEncodedRepresentation,
  type Inputs,
  Linear,
  LogitsType,
  NeuralModule,
  type Outputs,
  port,
  registerTarget,
  Sequential,
  typecheck,
  validateConfig,
} from '@nemo/core'
import { reduceMax, reduceMean, softmax } from '@nemo/graph'
import { z } from 'zod'
import { initModeField, initWeights } from './jasper/initWeights.js'

/** Keys of a `ConvASRDecoderClassification`, with NeMo's names, defaults and meanings. */
export const convASRDecoderClassificationConfigSchema = z.object({
  /** Channels of the encoder's output. */
  feat_in: z.int().min(1),
  num_classes: z.int().min(1),
  init_mode: initModeField,
  /** False gives probabilities. */
  return_logits: z.boolean().default(true),
  /** Over all frames, padded ones included. */
  pooling_type: z.enum(['avg', 'max']).default('avg'),
})

/** Keys of a `ConvASRDecoderClassification`. */
export type ConvASRDecoderClassificationConfig = z.input<typeof convASRDecoderClassificationConfigSchema>

/**
 * Classes of whole utterances: pooling over time, then a linear layer.
 *
 * State dict: `decoder_layers.0.weight`, `decoder_layers.0.bias`. Source: NeMo v1.0.0 `ConvASRDecoderClassification`.
 */
export class ConvASRDecoderClassification extends NeuralModule {
  static readonly inputTypes = { encoderOutput: port('B D T', AcousticEncodedRepresentation) }
  static readonly outputTypes = { logits: port('B D', LogitsType) }

  readonly decoderLayers: Sequential
  /** Channels of the input. */
  readonly featIn: number
  readonly numClasses: number
  readonly #returnLogits: boolean
  readonly #pooling: 'avg' | 'max'

  /** @throws ConfigValidationError naming each wrong key, its value and what is allowed. */
  constructor(config: ConvASRDecoderClassificationConfig) {
    super()
    const valid = validateConfig(convASRDecoderClassificationConfigSchema, config, {
      source: 'ConvASRDecoderClassification',
    })
    this.featIn = valid.feat_in
    this.numClasses = valid.num_classes
    this.#returnLogits = valid.return_logits
    this.#pooling = valid.pooling_type
    this.decoderLayers = this.addModule('decoder_layers', new Sequential([new Linear(this.featIn, this.numClasses)]))
    initWeights(this, valid.init_mode)
  }

  /** `[B, featIn, T]` -> logits (or probabilities) `[B, numClasses]` */
  @typecheck()
  forward({
    encoderOutput,
  }: Inputs<typeof ConvASRDecoderClassification>): Outputs<typeof ConvASRDecoderClassification> {
    const pooled = this.#pooling === 'avg' ? reduceMean(encoderOutput, 2) : reduceMax(encoderOutput, 2)
    const logits = this.within('decoder_layers', () => this.decoderLayers.forward(pooled))
    return { logits: this.#returnLogits ? logits : softmax(logits, -1) }
  }
}

registerTarget(
  [
    'nemo.collections.asr.modules.ConvASRDecoderClassification',
    'nemo.collections.asr.modules.conv_asr.ConvASRDecoderClassification',
  ],
  (args) => new ConvASRDecoderClassification(args as ConvASRDecoderClassificationConfig),
)
