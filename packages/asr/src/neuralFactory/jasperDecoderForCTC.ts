import {
  AcousticEncodedRepresentation,
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
import { initModeField, initWeights } from '../modules/jasper/initWeights.js'

const configSchema = z.strictObject({
  /** Channels of the encoder's output. */
  feat_in: z.int().min(1),
  /** Labels, without the blank. */
  num_classes: z.int().min(1),
  init_mode: initModeField,
})

/** Keys of a `JasperDecoderForCTC`, with NeMo 0.9's names and defaults. */
export type JasperDecoderForCTCConfig = z.input<typeof configSchema>

/**
 * `ConvASRDecoder` under its first name and with its first port, `output`.
 *
 * State dict: `decoder_layers.0.weight`, `decoder_layers.0.bias`. Source: NeMo v0.9.0 `JasperDecoderForCTC`.
 */
export class JasperDecoderForCTC extends NeuralModule {
  static readonly inputTypes = { encoderOutput: port('B D T', AcousticEncodedRepresentation) }
  static readonly outputTypes = { output: port('B T D', LogprobsType) }

  readonly decoderLayers: Sequential

  /** @throws ConfigValidationError naming each wrong key, its value and what is allowed. */
  constructor(config: JasperDecoderForCTCConfig) {
    super()
    const { feat_in, num_classes, init_mode } = validateConfig(configSchema, config, { source: 'JasperDecoderForCTC' })
    this.decoderLayers = this.addModule('decoder_layers', new Sequential([new Conv1d(feat_in, num_classes + 1, 1)]))
    initWeights(this, init_mode)
  }

  /** `[B, featIn, T]` -> log-probabilities `[B, T, classes + 1]` */
  @typecheck()
  forward({ encoderOutput }: Inputs<typeof JasperDecoderForCTC>): Outputs<typeof JasperDecoderForCTC> {
    const logits = this.within('decoder_layers', () => this.decoderLayers.forward(encoderOutput))
    return { output: logSoftmax(swapAxes(logits, 1, 2), -1) }
  }
}

registerTarget('nemo_asr.JasperDecoderForCTC', (args) => new JasperDecoderForCTC(args as JasperDecoderForCTCConfig))
