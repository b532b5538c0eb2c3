import {
  type Inputs,
  LogprobsType,
  NeuralModule,
  type Outputs,
  PredictionsType,
  port,
  registerTarget,
  typecheck,
} from '@nemo/core'
import { argMax } from '@nemo/graph'

/** The likeliest class of each frame, blanks and repeats included. Source: NeMo v0.9.0 `GreedyCTCDecoder`. */
export class GreedyCTCDecoder extends NeuralModule {
  static readonly inputTypes = { logProbs: port('B T D', LogprobsType) }
  static readonly outputTypes = { predictions: port('B T', PredictionsType) }

  /** `[B, T, V + 1]` -> int64 `[B, T]` */
  @typecheck()
  forward({ logProbs }: Inputs<typeof GreedyCTCDecoder>): Outputs<typeof GreedyCTCDecoder> {
    return { predictions: argMax(logProbs, -1) }
  }
}

registerTarget('nemo_asr.GreedyCTCDecoder', () => new GreedyCTCDecoder())
