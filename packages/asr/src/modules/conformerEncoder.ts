import {
  AcousticEncodedRepresentation,
  ConfigValidationError,
  Dropout,
  type Inputs,
  LengthsType,
  Linear,
  ModuleList,
  NeuralModule,
  type Outputs,
  port,
  registerTarget,
  SpectrogramType,
  typecheck,
  validateConfig,
} from '@nemo/core'
import {
  add,
  dimTensor,
  greaterOrEqual,
  lengthMask,
  lessOrEqual,
  logicalAnd,
  mul,
  range,
  sub,
  swapAxes,
  type Tensor,
  unsqueeze,
} from '@nemo/graph'
import { z } from 'zod'
import { ConformerLayer } from './conformer/conformerLayer.js'
import { ConvSubsampling } from './conformer/convSubsampling.js'
import { type PositionBiases, RelPositionMultiHeadAttention } from './conformer/multiHeadAttention.js'
import { absolutePositions, relativePositions } from './conformer/positionalEncoding.js'

const probability = z.number().min(0).max(1)

/** Keys of a `ConformerEncoder`, with NeMo's names, defaults and meanings. */
export const conformerEncoderConfigSchema = z.strictObject({
  /** Features of a frame. */
  feat_in: z.int().min(1),
  n_layers: z.int().min(1),
  /** Even, and a multiple of `n_heads`. */
  d_model: z.int().min(2).multipleOf(2),
  /** Channels of the output; -1 for `d_model`. (NeMo 1.0 fails for any other.) */
  feat_out: z.int().min(-1).default(-1),
  /** Null for a linear layer without subsampling. */
  subsampling: z.enum(['vggnet', 'striding']).nullable().default('striding'),
  /** A power of 2. */
  subsampling_factor: z.int().min(1).default(4),
  /** -1 for `d_model`. */
  subsampling_conv_channels: z.int().min(-1).default(-1),
  ff_expansion_factor: z.int().min(1).default(4),
  /** Relative positions (Transformer-XL) or absolute ones. */
  self_attention_model: z.enum(['rel_pos', 'abs_pos']).default('rel_pos'),
  n_heads: z.int().min(1).default(4),
  /** Frames before and after that a frame attends to; -1 for all. */
  att_context_size: z
    .tuple([z.int().min(-1), z.int().min(-1)])
    .nullable()
    .default(null),
  /** Scale frames by sqrt(d_model) before the layers. */
  xscaling: z.boolean().default(true),
  /** Biases of positions for each layer; false shares one pair. */
  untie_biases: z.boolean().default(true),
  /** NeMo prepares encodings of so many positions; here they are made as needed. */
  pos_emb_max_len: z.int().min(1).default(5000),
  /** Odd. */
  conv_kernel_size: z.int().min(1).default(31),
  dropout: probability.default(0.1),
  /** Dropout of the encodings of positions. */
  dropout_emb: probability.default(0.1),
  /** Dropout of attention weights. */
  dropout_att: probability.default(0),
})

/** Keys of a `ConformerEncoder`. */
export type ConformerEncoderConfig = z.input<typeof conformerEncoderConfigSchema>

/**
 * Convolution-augmented transformer over features: subsampling, then Conformer layers.
 *
 * State dict: `pre_encode.*`, `layers.{i}.*`, `out_proj.*` with `feat_out`. Source: NeMo v1.0.0 `ConformerEncoder`;
 * Gulati et al. 2020.
 */
export class ConformerEncoder extends NeuralModule {
  static readonly inputTypes = { audioSignal: port('B D T', SpectrogramType), length: port('B', LengthsType) }
  static readonly outputTypes = {
    outputs: port('B D T', AcousticEncodedRepresentation),
    encodedLengths: port('B', LengthsType),
  }

  readonly preEncode: ConvSubsampling | Linear
  readonly layers: ModuleList<ConformerLayer>
  readonly outProj: Linear | undefined
  /** Features of a frame. */
  readonly featIn: number
  /** Channels of the output. */
  readonly featOut: number
  readonly #dropout: Dropout
  readonly #positionDropout: Dropout
  readonly #config: z.output<typeof conformerEncoderConfigSchema>

  /** @throws ConfigValidationError naming each wrong key, its value and what is allowed. */
  constructor(config: ConformerEncoderConfig) {
    super()
    const valid = validateConfig(conformerEncoderConfigSchema, config, { source: 'ConformerEncoder' })
    refuseUnfitting(valid)
    this.#config = valid
    const { feat_in, d_model, subsampling, subsampling_factor, subsampling_conv_channels, feat_out } = valid
    this.featIn = feat_in
    this.preEncode = this.addModule(
      'pre_encode',
      subsampling !== null && subsampling_factor > 1
        ? new ConvSubsampling({
            kind: subsampling,
            factor: subsampling_factor,
            featIn: feat_in,
            featOut: d_model,
            channels: subsampling_conv_channels < 1 ? d_model : subsampling_conv_channels,
          })
        : new Linear(feat_in, d_model),
    )
    this.#dropout = this.addModule('dropout', new Dropout(valid.dropout))
    this.#positionDropout = this.addModule('dropout_emb', new Dropout(valid.dropout_emb))
    this.layers = this.addModule('layers', new ModuleList<ConformerLayer>())
    let biases: PositionBiases | undefined
    for (let i = 0; i < valid.n_layers; i++) {
      const layer = new ConformerLayer({
        features: d_model,
        inner: d_model * valid.ff_expansion_factor,
        attention: valid.self_attention_model,
        heads: valid.n_heads,
        kernelSize: valid.conv_kernel_size,
        dropout: valid.dropout,
        attentionDropout: valid.dropout_att,
        biases,
      })
      if (!valid.untie_biases && layer.selfAttn instanceof RelPositionMultiHeadAttention) biases = layer.selfAttn.biases
      this.layers.append(layer)
    }
    if (feat_out > 0 && feat_out !== d_model) this.outProj = this.addModule('out_proj', new Linear(d_model, feat_out))
    this.featOut = this.outProj ? feat_out : d_model
  }

  /** Frames of features per frame of output. */
  get subsamplingFactor(): number {
    return this.preEncode instanceof ConvSubsampling ? this.#config.subsampling_factor : 1
  }

  /** `[B, featIn, T]` -> `[B, featOut, T']`; frames past the length hold anything. */
  @typecheck()
  forward({ audioSignal, length }: Inputs<typeof ConformerEncoder>): Outputs<typeof ConformerEncoder> {
    const frames = swapAxes(audioSignal, 1, 2)
    const { preEncode } = this
    const encoded = this.within('pre_encode', () =>
      preEncode instanceof ConvSubsampling
        ? preEncode.forward(frames, length)
        : { x: preEncode.forward(frames), lengths: length as Tensor },
    )
    const { d_model, self_attention_model, xscaling } = this.#config
    const T = encoded.x.shape[1]!
    const relative = self_attention_model === 'rel_pos'
    const encode = relative ? relativePositions : absolutePositions
    const positions = this.#positionDropout.forward(encode(T, d_model, [encoded.x]))
    let x = xscaling ? mul(encoded.x, Math.sqrt(d_model)) : encoded.x
    x = this.#dropout.forward(relative ? x : add(x, unsqueeze(positions, 0)))

    const valid = lengthMask(encoded.lengths, T, [encoded.x])
    const allowed = unsqueeze(this.#allowed(valid, encoded.x), 1)
    const isFrame = unsqueeze(valid, 1)
    for (const [i, layer] of [...this.layers].entries())
      x = this.within(`layers.${i}`, () => layer.forward(x, allowed, isFrame, positions))
    const projected = this.outProj ? this.within('out_proj', () => this.outProj!.forward(x)) : x
    return { outputs: swapAxes(projected, 1, 2), encodedLengths: encoded.lengths } as Outputs<typeof ConformerEncoder>
  }

  // bool [B, T, T]: both frames are valid, and the second lies within the context of the first.
  #allowed(valid: Tensor, x: Tensor): Tensor {
    const [before, after] = this.#config.att_context_size ?? [-1, -1]
    let allowed = logicalAnd(unsqueeze(valid, 1), unsqueeze(valid, 2))
    const frame = range(dimTensor(x.shape[1]!, [x]))
    const distance = sub(unsqueeze(frame, 0), unsqueeze(frame, 1))
    if (before >= 0) allowed = logicalAnd(allowed, greaterOrEqual(distance, -before))
    if (after >= 0) allowed = logicalAnd(allowed, lessOrEqual(distance, after))
    return allowed
  }
}

function refuseUnfitting(config: z.output<typeof conformerEncoderConfigSchema>): void {
  const { d_model, n_heads, subsampling_factor, conv_kernel_size } = config
  const problems: { keyPath: string; message: string }[] = []
  if (d_model % n_heads !== 0)
    problems.push({ keyPath: 'n_heads', message: `expected a divisor of d_model, ${d_model}, found ${n_heads}` })
  if (!Number.isInteger(Math.log2(subsampling_factor)))
    problems.push({ keyPath: 'subsampling_factor', message: `expected a power of 2, found ${subsampling_factor}` })
  if (conv_kernel_size % 2 === 0)
    problems.push({ keyPath: 'conv_kernel_size', message: `expected an odd number, found ${conv_kernel_size}` })
  if (problems.length > 0) throw new ConfigValidationError(problems, 'ConformerEncoder')
}

registerTarget(
  ['nemo.collections.asr.modules.ConformerEncoder', 'nemo.collections.asr.modules.conformer_encoder.ConformerEncoder'],
  (args) => new ConformerEncoder(args as ConformerEncoderConfig),
)
