import {
  AcousticEncodedRepresentation,
  activation,
  BatchNorm1d,
  type Inputs,
  Linear,
  LogitsType,
  ModuleList,
  NeuralModule,
  type Outputs,
  port,
  registerTarget,
  Sequential,
  typecheck,
  validateConfig,
} from '@nemo/core'
import { div, maximum, reduceSum, sqrt, square, type Tensor } from '@nemo/graph'
import { z } from 'zod'
import { initModeField, initWeights } from './jasper/initWeights.js'
import { type PoolMode, pooledSize, statisticsPooling } from './speaker/statisticsPooling.js'

/** Keys of a `SpeakerDecoder`, with NeMo's names, defaults and meanings. */
export const speakerDecoderConfigSchema = z.strictObject({
  /** Channels of the encoder's output. */
  feat_in: z.int().min(1),
  /** Speakers. */
  num_classes: z.int().min(1),
  /** Sizes of the embedding layers: a number, or numbers with commas between; null for `512,512`. */
  emb_sizes: z
    .union([z.int().min(1), z.string().regex(/^\s*\d+\s*(,\s*\d+\s*)*$/)])
    .nullable()
    .default(null),
  pool_mode: z.enum(['xvector', 'gram', 'superVector']).default('xvector'),
  /** Unit-length embeddings and no bias before the classes, for the angular loss. */
  angular: z.boolean().default(false),
  init_mode: initModeField,
})

/** Keys of a `SpeakerDecoder`. */
export type SpeakerDecoderConfig = z.input<typeof speakerDecoderConfigSchema>

// What precedes the ReLU is the embedding.
class EmbeddingLayer extends Sequential {
  constructor(inputs: number, outputs: number) {
    super([new Linear(inputs, outputs), new BatchNorm1d(outputs, { affine: false }), activation('relu')])
  }

  /**
   * `[B, inputs]` -> embedding and output `[B, outputs]`. NeMo runs the first two layers twice, so running statistics
   * move twice a step; so they do here.
   */
  embed(x: Tensor): { embedding: Tensor; output: Tensor } {
    const [linear, norm] = [...this]
    const output = this.forward(x)
    return { embedding: norm!.forward(linear!.forward(x)), output }
  }
}

/**
 * Speakers of whole utterances: statistics over time, embedding layers, a linear layer. The last layer's embedding is
 * what verification compares.
 *
 * With `angular` the pooled input of the last layer has unit length; its weights have not, as in NeMo.
 * State dict: `emb_layers.{i}.{0,1}.*`, `final.*`. Source: NeMo v1.0.0 `SpeakerDecoder`.
 */
export class SpeakerDecoder extends NeuralModule {
  static readonly inputTypes = { encoderOutput: port('B D T', AcousticEncodedRepresentation) }
  static readonly outputTypes = {
    logits: port('B D', LogitsType),
    embs: port('B D', AcousticEncodedRepresentation),
  }

  readonly embLayers: ModuleList<EmbeddingLayer>
  readonly final: Linear
  readonly numClasses: number
  readonly #pooling: PoolMode
  readonly #angular: boolean

  /** @throws ConfigValidationError naming each wrong key, its value and what is allowed. */
  constructor(config: SpeakerDecoderConfig) {
    super()
    const valid = validateConfig(speakerDecoderConfigSchema, config, { source: 'SpeakerDecoder' })
    this.#pooling = valid.pool_mode
    this.#angular = valid.angular
    this.numClasses = valid.num_classes
    const sizes = valid.emb_sizes === null ? [512, 512] : String(valid.emb_sizes).split(',').map(Number)
    const inputs = [pooledSize(valid.feat_in, valid.pool_mode), ...sizes]
    this.embLayers = this.addModule(
      'emb_layers',
      new ModuleList(sizes.map((size, i) => new EmbeddingLayer(inputs[i]!, size))),
    )
    this.final = this.addModule('final', new Linear(sizes.at(-1)!, this.numClasses, { bias: !valid.angular }))
    initWeights(this, valid.init_mode)
  }

  /** `[B, featIn, T]` -> logits `[B, numClasses]` and embeddings `[B, size of the last embedding layer]` */
  @typecheck()
  forward({ encoderOutput }: Inputs<typeof SpeakerDecoder>): Outputs<typeof SpeakerDecoder> {
    let pooled = statisticsPooling(encoderOutput, this.#pooling)
    let embedding = pooled
    for (const [i, layer] of [...this.embLayers].entries()) {
      const made = this.within(`emb_layers.${i}`, () => layer.embed(pooled))
      pooled = made.output
      embedding = made.embedding
    }
    const features = this.#angular ? unitLength(pooled) : pooled
    const logits = this.within('final', () => this.final.forward(features))
    return { logits, embs: embedding } as Outputs<typeof SpeakerDecoder>
  }
}

// PyTorch's `normalize`; within the root, since that of 0 has no finite gradient.
const SHORTEST = 1e-12
const unitLength = (x: Tensor): Tensor => div(x, sqrt(maximum(reduceSum(square(x), 1, true), SHORTEST ** 2)))

registerTarget(
  ['nemo.collections.asr.modules.SpeakerDecoder', 'nemo.collections.asr.modules.conv_asr.SpeakerDecoder'],
  (args) => new SpeakerDecoder(args as SpeakerDecoderConfig),
)
