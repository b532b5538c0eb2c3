import {
  AcousticEncodedRepresentation,
  ConfigValidationError,
  type Inputs,
  LengthsType,
  ModuleList,
  NeuralModule,
  type Outputs,
  port,
  registerTarget,
  SpectrogramType,
  typecheck,
  validateConfig,
} from '@nemo/core'
import { z } from 'zod'
import { FrameMasks } from './jasper/frameMasks.js'
import { initModeField, initWeights } from './jasper/initWeights.js'
import { JasperBlock, type JasperState } from './jasper/jasperBlock.js'
import { jasperBlockConfigSchema, normalizationModeField, residualModeField } from './jasper/jasperConfig.js'
import { MaskedConv1d } from './jasper/maskedConv1d.js'

/** Keys of a `ConvASREncoder`, with NeMo's names, defaults and meanings. */
export const convASREncoderConfigSchema = z.object({
  /** Blocks, first to last. */
  jasper: z.array(jasperBlockConfigSchema).min(1),
  activation: z.enum(['hardtanh', 'relu', 'selu', 'swish', 'silu']),
  /** Features of a frame, before splicing. */
  feat_in: z.int().min(1),
  normalization_mode: normalizationModeField.default('batch'),
  residual_mode: residualModeField.default('add'),
  /** Groups of `normalization_mode: group`; -1 for one per channel. */
  norm_groups: z.int().default(-1),
  /** Zeroes frames beyond each length before every convolution. Without it lengths are handed through as they are. */
  conv_mask: z.boolean().default(true),
  frame_splicing: z.int().min(1).default(1),
  init_mode: initModeField,
  /** Quantised training is not offered. */
  quantize: z.literal(false).default(false),
})

/** Keys of a `ConvASREncoder`. */
export type ConvASREncoderConfig = z.input<typeof convASREncoderConfigSchema>

/**
 * Convolutional acoustic encoder: Jasper, QuartzNet, MatchboxNet, Citrinet, ContextNet, by its list of blocks.
 *
 * Source: NeMo v1.0.0 `ConvASREncoder`; Li et al. 2019 (Jasper), Kriman et al. 2019 (QuartzNet).
 */
export class ConvASREncoder extends NeuralModule {
  static readonly inputTypes = { audioSignal: port('B D T', SpectrogramType), length: port('B', LengthsType) }
  static readonly outputTypes = {
    outputs: port('B D T', AcousticEncodedRepresentation),
    encodedLengths: port('B', LengthsType),
  }

  readonly encoder: ModuleList<JasperBlock>
  /** Channels of the input. */
  readonly featIn: number
  /** Channels of the output. */
  readonly featOut: number

  /** @throws ConfigValidationError naming each wrong key, its value and what is allowed. */
  constructor(config: ConvASREncoderConfig) {
    super()
    const valid = validateConfig(convASREncoderConfigSchema, config, { source: 'ConvASREncoder' })
    this.featIn = valid.feat_in * valid.frame_splicing
    this.encoder = this.addModule('encoder', new ModuleList<JasperBlock>())
    let channels = this.featIn
    let residualMode = valid.residual_mode
    const panes: number[] = []
    for (const [i, block] of valid.jasper.entries()) {
      residualMode = block.residual_mode ?? residualMode
      if (block.residual_dense) panes.push(channels)
      try {
        this.encoder.append(
          new JasperBlock(channels, block.filters, {
            repeat: block.repeat,
            kernelSize: block.kernel,
            kernelSizeFactor: block.kernel_size_factor,
            stride: block.stride,
            dilation: block.dilation,
            dropout: block.dropout,
            activation: valid.activation,
            residual: block.residual,
            groups: block.groups,
            separable: block.separable,
            heads: block.heads,
            normalization: valid.normalization_mode,
            normGroups: valid.norm_groups,
            residualMode,
            residualPanes: block.residual_dense ? [...panes] : [],
            convMask: valid.conv_mask,
            squeezeExcite: block.se
              ? {
                  reductionRatio: block.se_reduction_ratio,
                  contextWindow: block.se_context_size,
                  interpolation: block.se_interpolation_mode,
                }
              : null,
            strideLast: block.stride_last,
            futureContext: block.future_context,
          }),
        )
      } catch (error) {
        throw new ConfigValidationError(
          [{ keyPath: `jasper[${i}]`, message: (error as Error).message }],
          'ConvASREncoder',
        )
      }
      channels = block.filters
    }
    this.featOut = channels
    initWeights(this, valid.init_mode)
  }

  /** Turns the masking of frames beyond each length on or off; off, lengths are handed through. NeMo exports without. */
  setConvMask(enabled: boolean): void {
    for (const part of this.modules()) if (part instanceof MaskedConv1d) part.useMask = enabled
  }

  /** Features `[B, featIn, T]` and lengths -> `[B, featOut, T']` and lengths. Frames beyond a length are not zeroed. */
  @typecheck()
  forward({ audioSignal, length }: Inputs<typeof ConvASREncoder>): Outputs<typeof ConvASREncoder> {
    const masks = new FrameMasks()
    let state: JasperState = { outputs: [audioSignal], lengths: length }
    let i = 0
    for (const block of this.encoder) {
      state = this.within(`encoder.${i++}`, () => block.forward(state, masks))
    }
    return { outputs: state.outputs.at(-1)!, encodedLengths: state.lengths }
  }
}

registerTarget(
  ['nemo.collections.asr.modules.ConvASREncoder', 'nemo.collections.asr.modules.conv_asr.ConvASREncoder'],
  (args) => new ConvASREncoder(args as ConvASREncoderConfig),
)
