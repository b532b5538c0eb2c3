import {
  AcousticEncodedRepresentation,
  ConfigValidationError,
  Conv1d,
  type Inputs,
  LogprobsType,
  NeuralModule,
  type Outputs,
  port,
  registerTarget,
  Sequential,
  typecheck,
  validateConfig,
} from '@nemo/core'
import { logSoftmax, swapAxes } from '@nemo/graph'
import { z } from 'zod'
import { initModeField, initWeights } from './jasper/initWeights.js'

/** Keys of a `ConvASRDecoder`, with NeMo's names, defaults and meanings. */
export const convASRDecoderConfigSchema = z.object({
  /** Channels of the encoder's output. */
  feat_in: z.int().min(1),
  /** Labels, without the blank. */
  num_classes: z.int().min(1),
  init_mode: initModeField,
  /** The labels themselves, `num_classes` of them. */
  vocabulary: z.array(z.string()).readonly().nullable().default(null),
})

/** Keys of a `ConvASRDecoder`. */
export type ConvASRDecoderConfig = z.input<typeof convASRDecoderConfigSchema>

/**
 * Log-probabilities of labels and blank (the last class) for each frame, by one 1x1 convolution.
 *
 * State dict: `decoder_layers.0.weight`, `decoder_layers.0.bias`. Source: NeMo v1.0.0 `ConvASRDecoder`.
 */
export class ConvASRDecoder extends NeuralModule {
  static readonly inputTypes = { encoderOutput: port('B D T', AcousticEncodedRepresentation) }
  static readonly outputTypes = { logprobs: port('B T D', LogprobsType) }

  readonly decoderLayers: Sequential
  /** The labels, if the config has them. */
  readonly vocabulary: readonly string[] | null
  /** Channels of the input. */
  readonly featIn: number
  readonly numClassesWithBlank: number

  /** @throws ConfigValidationError naming each wrong key, its value and what is allowed. */
  constructor(config: ConvASRDecoderConfig) {
    super()
    const valid = validateConfig(convASRDecoderConfigSchema, config, { source: 'ConvASRDecoder' })
    if (valid.vocabulary !== null && valid.vocabulary.length !== valid.num_classes) {
      const message = `expected the length of vocabulary, ${valid.vocabulary.length}, found ${valid.num_classes}`
      throw new ConfigValidationError([{ keyPath: 'num_classes', message }], 'ConvASRDecoder')
    }
    this.vocabulary = valid.vocabulary
    this.featIn = valid.feat_in
    this.numClassesWithBlank = valid.num_classes + 1
    this.decoderLayers = this.addModule(
      'decoder_layers',
      new Sequential([new Conv1d(this.featIn, this.numClassesWithBlank, 1)]),
    )
    initWeights(this, valid.init_mode)
  }

  /** `[B, featIn, T]` -> log-probabilities `[B, T, classes + 1]` */
  @typecheck()
  forward({ encoderOutput }: Inputs<typeof ConvASRDecoder>): Outputs<typeof ConvASRDecoder> {
    const logits = this.within('decoder_layers', () => this.decoderLayers.forward(encoderOutput))
    return { logprobs: logSoftmax(swapAxes(logits, 1, 2), -1) }
  }
}

registerTarget(
  ['nemo.collections.asr.modules.ConvASRDecoder', 'nemo.collections.asr.modules.conv_asr.ConvASRDecoder'],
  (args) => new ConvASRDecoder(args as ConvASRDecoderConfig),
)
