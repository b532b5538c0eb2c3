import { Dropout, Embedding, GRU, Linear, NeuralModule } from '@nemo/core'
import { concat, lengthMask, logSoftmax, type Tensor, tanh } from '@nemo/graph'
import type { ChatbotConfig } from './encoderRNN.js'
import { LuongAttention } from './luongAttention.js'

/** What a decoder reads of the source. */
export interface EncodedSource {
  /** `[B, T, H]` */
  readonly outputs: Tensor
  /** bool `[B, T]`, true where words are. */
  readonly valid: Tensor
}

/**
 * What the training decoder and those that answer have in common: embedding, GRU, attention and output layer. A decoder
 * that is given another one shares its weights.
 *
 * State dict: `embedding.weight`, `gru.*`, `concat.*`, `out.*`, `attn.*`. Source: NeMo v0.9.0 `LuongAttnDecoderRNN`.
 */
export abstract class LuongDecoder extends NeuralModule {
  readonly embedding: Embedding
  readonly embeddingDropout: Dropout
  readonly gru: GRU
  readonly concat: Linear
  readonly out: Linear
  readonly attn: LuongAttention

  /** @param config - Settings, or the decoder to share weights with: NeMo's `tie_weights_with`. */
  constructor(config: ChatbotConfig | LuongDecoder) {
    super()
    const parts = config instanceof LuongDecoder ? config : makeParts(config)
    this.embedding = this.addModule('embedding', parts.embedding)
    this.embeddingDropout = this.addModule('embedding_dropout', parts.embeddingDropout)
    this.gru = this.addModule('gru', parts.gru)
    this.concat = this.addModule('concat', parts.concat)
    this.out = this.addModule('out', parts.out)
    this.attn = this.addModule('attn', parts.attn)
  }

  /** The source as decoders read it. */
  protected source(outputs: Tensor, lengths: Tensor): EncodedSource {
    return { outputs, valid: lengthMask(lengths, outputs.shape[1]!, [outputs]) }
  }

  /**
   * Words `[B, U]` and the state before them `[layers, B, H]` -> log-probabilities of the words that follow each,
   * `[B, U, V]`, and the state after them.
   */
  protected follow(words: Tensor, state: Tensor, source: EncodedSource): { logProbs: Tensor; state: Tensor } {
    const embedded = this.embeddingDropout.forward(this.embedding.forward(words))
    const { output, state: after } = this.gru.forward(embedded, { state })
    const context = this.attn.forward(output, source.outputs, source.valid)
    const joined = tanh(this.concat.forward(concat([output, context], -1)))
    return { logProbs: logSoftmax(this.out.forward(joined), -1), state: after }
  }
}

function makeParts({ voc_size, hidden_size, decoder_n_layers, dropout, attn_model }: ChatbotConfig) {
  return {
    embedding: new Embedding(voc_size, hidden_size),
    embeddingDropout: new Dropout(dropout),
    gru: new GRU(hidden_size, hidden_size, { numLayers: decoder_n_layers, dropout }),
    concat: new Linear(2 * hidden_size, hidden_size),
    out: new Linear(hidden_size, voc_size),
    attn: new LuongAttention(attn_model, hidden_size),
  }
}
