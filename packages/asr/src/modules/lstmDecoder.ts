import {
  AcousticEncodedRepresentation,
  ConfigValidationError,
  type Inputs,
  Linear,
  LogprobsType,
  LSTM,
  NeuralModule,
  type Outputs,
  port,
  registerTarget,
  typecheck,
  validateConfig,
} from '@nemo/core'
import { logSoftmax, swapAxes } from '@nemo/graph'
import { z } from 'zod'

/** Keys of an `LSTMDecoder`, with NeMo's names, defaults and meanings. */
export const lstmDecoderConfigSchema = z.strictObject({
  /** Channels of the encoder's output. */
  feat_in: z.int().min(1),
  /** Labels, without the blank. */
  num_classes: z.int().min(1),
  lstm_hidden_size: z.int().min(1),
  /** The labels themselves, `num_classes` of them. */
  vocabulary: z.array(z.string()).readonly().nullable().default(null),
  bidirectional: z.boolean().default(false),
  num_layers: z.int().min(1).default(1),
})

/** Keys of an `LSTMDecoder`. */
export type LSTMDecoderConfig = z.input<typeof lstmDecoderConfigSchema>

/**
 * Log-probabilities of labels and blank (the last class) for each frame, by an LSTM over all frames and a linear layer.
 *
 * A bidirectional one works here; NeMo 1.0's fails. State dict: `lstm_layer.*`, `linear_layer.*`.
 * Source: NeMo v1.0.0 `LSTMDecoder`.
 */
export class LSTMDecoder extends NeuralModule {
  static readonly inputTypes = { encoderOutput: port('B D T', AcousticEncodedRepresentation) }
  static readonly outputTypes = { logprobs: port('B T D', LogprobsType) }

  readonly lstmLayer: LSTM
  readonly linearLayer: Linear
  /** The labels, if the config has them. */
  readonly vocabulary: readonly string[] | null
  readonly numClassesWithBlank: number

  /** @throws ConfigValidationError naming each wrong key, its value and what is allowed. */
  constructor(config: LSTMDecoderConfig) {
    super()
    const valid = validateConfig(lstmDecoderConfigSchema, config, { source: 'LSTMDecoder' })
    if (valid.vocabulary !== null && valid.vocabulary.length !== valid.num_classes) {
      const message = `expected the length of vocabulary, ${valid.vocabulary.length}, found ${valid.num_classes}`
      throw new ConfigValidationError([{ keyPath: 'num_classes', message }], 'LSTMDecoder')
    }
    const { feat_in, lstm_hidden_size, bidirectional, num_layers } = valid
    this.vocabulary = valid.vocabulary
    this.numClassesWithBlank = valid.num_classes + 1
    this.lstmLayer = this.addModule(
      'lstm_layer',
      new LSTM(feat_in, lstm_hidden_size, { numLayers: num_layers, bidirectional }),
    )
    const outputs = lstm_hidden_size * (bidirectional ? 2 : 1)
    this.linearLayer = this.addModule('linear_layer', new Linear(outputs, this.numClassesWithBlank))
  }

  /** `[B, featIn, T]` -> log-probabilities `[B, T, classes + 1]` */
  @typecheck()
  forward({ encoderOutput }: Inputs<typeof LSTMDecoder>): Outputs<typeof LSTMDecoder> {
    const { output } = this.within('lstm_layer', () => this.lstmLayer.forward(swapAxes(encoderOutput, 1, 2)))
    const logits = this.within('linear_layer', () => this.linearLayer.forward(output))
    return { logprobs: logSoftmax(logits, -1) } as Outputs<typeof LSTMDecoder>
  }
}

registerTarget(
  ['nemo.collections.asr.modules.LSTMDecoder', 'nemo.collections.asr.modules.lstm_decoder.LSTMDecoder'],
  (args) => new LSTMDecoder(args as LSTMDecoderConfig),
)
