import {
  ConfigValidationError,
  EmbeddedTextType,
  Embedding,
  type Inputs,
  LabelsType,
  LengthsType,
  type LSTMState,
  Module,
  NeuralModule,
  type Outputs,
  port,
  registerTarget,
  typecheck,
  validateConfig,
} from '@nemo/core'
import {
  concat,
  constant,
  equal,
  fill,
  minimum,
  randomNormal,
  squeeze,
  swapAxes,
  type Tensor,
  unsqueeze,
  where,
} from '@nemo/graph'
import { z } from 'zod'
import { BatchNormLSTM } from './rnnt/batchNormLSTM.js'
import { LSTMDropout } from './rnnt/lstmDropout.js'

/** Keys of an `RNNTDecoder`, with NeMo's names, defaults and meanings. */
export const rnntDecoderConfigSchema = z.strictObject({
  prednet: z.object({
    pred_hidden: z.int().min(1),
    pred_rnn_layers: z.int().min(1),
    /** Bias that opens the forget gates at the start. */
    forget_gate_bias: z.number().nullable().default(1),
    /** Longest span to remember, in labels, for chrono initialisation. */
    t_max: z.number().min(2).nullable().default(null),
    weights_init_scale: z.number().default(1),
    hidden_hidden_bias_scale: z.number().default(0),
    dropout: z.number().min(0).max(1).nullable().default(0),
  }),
  /** Labels, without the blank, whose index this is. */
  vocab_size: z.int().min(1),
  /** `batch`: batch normalisation before each LSTM layer but the first. */
  normalization_mode: z.enum(['batch']).nullable().default(null),
  /** Draw the first state from a normal distribution while training. */
  random_state_sampling: z.boolean().default(false),
  /** The blank has a row of zeros in the embedding. */
  blank_as_pad: z.boolean().default(true),
})

/** Keys of an `RNNTDecoder`. */
export type RNNTDecoderConfig = z.input<typeof rnntDecoderConfigSchema>

class Prediction extends Module {
  readonly embed: Embedding
  readonly decRnn: LSTMDropout | BatchNormLSTM

  constructor({ prednet, vocab_size, normalization_mode, blank_as_pad }: z.output<typeof rnntDecoderConfigSchema>) {
    super()
    const { pred_hidden: hidden, pred_rnn_layers: layers } = prednet
    const dropout = prednet.dropout ?? 0
    const embed = blank_as_pad
      ? new Embedding(vocab_size + 1, hidden, { paddingIdx: vocab_size })
      : new Embedding(vocab_size, hidden)
    this.embed = this.addModule('embed', embed)
    const rnn =
      normalization_mode === 'batch'
        ? new BatchNormLSTM(hidden, layers, dropout)
        : new LSTMDropout(hidden, layers, dropout, {
            forgetGateBias: prednet.forget_gate_bias,
            tMax: prednet.t_max,
            weightsInitScale: prednet.weights_init_scale,
            hiddenHiddenBiasScale: prednet.hidden_hidden_bias_scale,
          })
    this.decRnn = this.addModule('dec_rnn', rnn)
  }
}

/**
 * Prediction network of a transducer: embeddings of the labels said so far, after a vector of zeros, through an LSTM.
 *
 * State dict: `prediction.embed.weight`, `prediction.dec_rnn.*`. Source: NeMo v1.0.0 `RNNTDecoder`.
 */
export class RNNTDecoder extends NeuralModule {
  static readonly inputTypes = {
    targets: port('B T', LabelsType),
    targetLength: port('B', LengthsType),
  }
  static readonly outputTypes = {
    outputs: port('B D T', EmbeddedTextType),
    encodedLengths: port('B', LengthsType),
  }

  readonly prediction: Prediction
  readonly predHidden: number
  readonly predRnnLayers: number
  /** Labels, without the blank, whose index this is. */
  readonly vocabSize: number
  readonly #config: z.output<typeof rnntDecoderConfigSchema>

  /** @throws ConfigValidationError naming each wrong key, its value and what is allowed. */
  constructor(config: RNNTDecoderConfig) {
    super()
    if ((config as { readonly normalization_mode?: unknown }).normalization_mode === 'layer') {
      const message =
        'expected null or "batch", found "layer", which NeMo refuses too (its layer-normalised LSTM takes no weights_init_scale)'
      throw new ConfigValidationError([{ keyPath: 'normalization_mode', message }], 'RNNTDecoder')
    }
    this.#config = validateConfig(rnntDecoderConfigSchema, config, { source: 'RNNTDecoder' })
    this.predHidden = this.#config.prednet.pred_hidden
    this.predRnnLayers = this.#config.prednet.pred_rnn_layers
    this.vocabSize = this.#config.vocab_size
    this.prediction = this.addModule('prediction', new Prediction(this.#config))
  }

  /** Index of the blank: the class after the labels. */
  get blank(): number {
    return this.vocabSize
  }

  /** int64 targets `[B, U]` -> `[B, predHidden, U + 1]`: what is known before the first label, after it, and so on. */
  @typecheck()
  forward({ targets, targetLength }: Inputs<typeof RNNTDecoder>): Outputs<typeof RNNTDecoder> {
    const embedded = this.within('prediction', () => this.prediction.embed.forward(targets))
    const [B] = targets.shape
    const start = fill([B!, 1, this.predHidden], 0, 'float32', [targets])
    const x = concat([start, embedded], 1)
    const { output } = this.within('prediction', () => this.prediction.decRnn.forward(x, this.#firstState(targets)))
    return { outputs: swapAxes(output, 1, 2), encodedLengths: targetLength }
  }

  /**
   * One step of decoding: takes in the last label of each hypothesis.
   *
   * @param labels - int64 `[B]`; the blank stands for the start of a sentence and counts as zeros.
   * @param state - `[predRnnLayers, B, predHidden]` each.
   * @returns output `[B, predHidden]` and the next state.
   */
  predict(labels: Tensor, state: LSTMState): { output: Tensor; state: LSTMState } {
    const known = minimum(labels, constant(this.vocabSize - 1, 'int64'))
    const embedded = this.within('prediction', () => this.prediction.embed.forward(known))
    const x = where(unsqueeze(equal(labels, this.blank), 1), 0, embedded)
    const result = this.within('prediction', () => this.prediction.decRnn.forward(unsqueeze(x, 1), state))
    return { output: squeeze(result.output, 1), state: result.state }
  }

  #firstState(targets: Tensor): LSTMState | undefined {
    if (!this.#config.random_state_sampling || !this.training) return undefined
    const draw = () => randomNormal([this.predRnnLayers, targets.shape[0]!, this.predHidden], [targets])
    return { hidden: draw(), cell: draw() }
  }
}

registerTarget(
  ['nemo.collections.asr.modules.RNNTDecoder', 'nemo.collections.asr.modules.rnnt.RNNTDecoder'],
  (args) => new RNNTDecoder(args as RNNTDecoderConfig),
)
