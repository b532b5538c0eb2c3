import {
  EncodedRepresentation,
  type Inputs,
  LabelsType,
  LengthsType,
  LogprobsType,
  type Outputs,
  PredictionsType,
  port,
  typecheck,
} from '@nemo/core'
import { argMax, concat, fill, narrow, squeeze, type Tensor, unsqueeze } from '@nemo/graph'
import type { ChatbotConfig } from './encoderRNN.js'
import { LuongDecoder } from './luongDecoder.js'
import { SOS } from './vocabulary.js'

const sourceTypes = {
  encoderOutputs: port('B T D', EncodedRepresentation),
  encoderLengths: port('B', LengthsType),
  encoderHidden: port('Any B D', EncodedRepresentation),
}

/** One `SOS` for each source: `[B, 1]`. */
export const starts = (encoded: Tensor): Tensor => fill([encoded.shape[0]!, 1], SOS, 'int64', [encoded])

/** Says the targets, each word after those before it (teacher forcing). Source: NeMo v0.9.0 `LuongAttnDecoderRNN`. */
export class LuongAttnDecoderRNN extends LuongDecoder {
  static readonly inputTypes = { targets: port('B T', LabelsType), ...sourceTypes }
  static readonly outputTypes = { outputs: port('B T D', LogprobsType) }

  /** Targets `[B, U]` -> log-probabilities `[B, U, V]`. */
  @typecheck()
  forward(inputs: Inputs<typeof LuongAttnDecoderRNN>): Outputs<typeof LuongAttnDecoderRNN> {
    const { targets, encoderOutputs, encoderLengths, encoderHidden } = inputs
    const words = concat([starts(encoderOutputs), narrow(targets, 1, 0, -1)], 1)
    const source = this.source(encoderOutputs, encoderLengths)
    return { outputs: this.follow(words, encoderHidden, source).logProbs }
  }
}

/** Answers with the likeliest word at each place. Source: NeMo v0.9.0 `GreedyLuongAttnDecoderRNN`. */
export class GreedyLuongAttnDecoderRNN extends LuongDecoder {
  static readonly inputTypes = sourceTypes
  static readonly outputTypes = { outputs: port('B T', PredictionsType) }

  constructor(
    config: ChatbotConfig | LuongDecoder,
    readonly maxDecSteps = 10,
  ) {
    super(config)
  }

  /** Word ids int64 `[B, maxDecSteps]`; what follows `EOS` means nothing. */
  @typecheck()
  forward(inputs: Inputs<typeof GreedyLuongAttnDecoderRNN>): Outputs<typeof GreedyLuongAttnDecoderRNN> {
    const { encoderOutputs, encoderLengths, encoderHidden } = inputs
    const source = this.source(encoderOutputs, encoderLengths)
    const said: Tensor[] = []
    let words = starts(encoderOutputs)
    let state: Tensor = encoderHidden
    for (let place = 0; place < this.maxDecSteps; place++) {
      const next = this.follow(words, state, source)
      words = unsqueeze(argMax(squeeze(next.logProbs, 1), -1), 1)
      state = next.state
      said.push(words)
    }
    return { outputs: concat(said, 1) }
  }
}
