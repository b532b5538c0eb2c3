import {
  Dropout,
  Embedding,
  EncodedRepresentation,
  GRU,
  type Inputs,
  LabelsType,
  LengthsType,
  NeuralModule,
  type Outputs,
  port,
  typecheck,
} from '@nemo/core'
import { add, reduceSum, reshape, split } from '@nemo/graph'

/** Settings of the chatbot's networks; NeMo 0.9's keys. */
export interface ChatbotConfig {
  readonly voc_size: number
  readonly hidden_size: number
  readonly encoder_n_layers: number
  readonly decoder_n_layers: number
  readonly dropout: number
  readonly attn_model: 'dot' | 'general' | 'concat'
}

/**
 * Reads a sentence with a bidirectional GRU; the directions are added.
 *
 * State dict: `embedding.weight`, `gru.*`. Source: NeMo v0.9.0 `EncoderRNN`. Difference: `hidden` is the sum of the directions
 * too, so that a decoder can start from it.
 */
export class EncoderRNN extends NeuralModule {
  static readonly inputTypes = { inputSeq: port('B T', LabelsType), inputLengths: port('B', LengthsType) }
  static readonly outputTypes = {
    outputs: port('B T D', EncodedRepresentation),
    hidden: port('Any B D', EncodedRepresentation),
  }

  readonly embedding: Embedding
  readonly embeddingDropout: Dropout
  readonly gru: GRU

  constructor({ voc_size, hidden_size, encoder_n_layers, dropout }: ChatbotConfig) {
    super()
    this.embedding = this.addModule('embedding', new Embedding(voc_size, hidden_size))
    this.embeddingDropout = this.addModule('embedding_dropout', new Dropout(dropout))
    const options = { numLayers: encoder_n_layers, dropout, bidirectional: true }
    this.gru = this.addModule('gru', new GRU(hidden_size, hidden_size, options))
  }

  /** int64 `[B, T]` -> outputs `[B, T, H]` and the last state `[layers, B, H]`. */
  @typecheck()
  forward({ inputSeq, inputLengths }: Inputs<typeof EncoderRNN>): Outputs<typeof EncoderRNN> {
    const embedded = this.embeddingDropout.forward(this.embedding.forward(inputSeq))
    const { output, state } = this.gru.forward(embedded, { lengths: inputLengths })
    const [forward, backward] = split(output, 2, 2)
    const { numLayers, hiddenSize } = this.gru
    const byDirection = reshape(state, [numLayers, 2, state.shape[1]!, hiddenSize], [state])
    return { outputs: add(forward!, backward!), hidden: reduceSum(byDirection, 1) }
  }
}
