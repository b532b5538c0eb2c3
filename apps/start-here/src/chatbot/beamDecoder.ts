import {
  EncodedRepresentation,
  type Inputs,
  LengthsType,
  LogprobsType,
  type Outputs,
  PredictionsType,
  port,
  typecheck,
} from '@nemo/core'
import {
  add,
  concat,
  constant,
  type Dim,
  dimTensor,
  div,
  equal,
  expand,
  fill,
  gather,
  gatherElements,
  mod,
  mul,
  multiplyDims,
  range,
  reshape,
  squeeze,
  type Tensor,
  topK,
  unsqueeze,
  where,
} from '@nemo/graph'
import type { ChatbotConfig } from './encoderRNN.js'
import { LuongDecoder } from './luongDecoder.js'
import { EOS, SOS } from './vocabulary.js'

const IMPOSSIBLE = -1e9

/** Answers with the likeliest sentence that a beam search finds. */
export class BeamLuongAttnDecoderRNN extends LuongDecoder {
  static readonly inputTypes = {
    encoderOutputs: port('B T D', EncodedRepresentation),
    encoderLengths: port('B', LengthsType),
    encoderHidden: port('Any B D', EncodedRepresentation),
  }
  static readonly outputTypes = { outputs: port('B T', PredictionsType), scores: port('B', LogprobsType) }

  readonly #vocabulary: number

  constructor(
    config: ChatbotConfig | LuongDecoder,
    readonly beamSize = 4,
    readonly maxDecSteps = 10,
  ) {
    super(config)
    this.#vocabulary = this.out.outFeatures
  }

  /** Word ids int64 `[B, maxDecSteps]`, filled up with `EOS`, and their log-probability `[B]`. */
  @typecheck()
  forward(inputs: Inputs<typeof BeamLuongAttnDecoderRNN>): Outputs<typeof BeamLuongAttnDecoderRNN> {
    const { encoderOutputs, encoderLengths, encoderHidden } = inputs
    const [K, V] = [this.beamSize, this.#vocabulary]
    const B = encoderOutputs.shape[0]!
    const source = this.source(this.#repeat(encoderOutputs, 0), this.#repeat(encoderLengths, 0))
    let state = this.#repeat(encoderHidden, 1)
    let words = fill([B, K], SOS, 'int64', [encoderOutputs])
    // All paths of an item are alike at first; only one may go on.
    let scores = expand(constant([[0, ...new Array(K - 1).fill(IMPOSSIBLE)]]), [B, K], [encoderOutputs])
    let said: Tensor | undefined
    const firstRow = mul(range(dimTensor(B, [encoderOutputs])), constant(K, 'int64'))
    const paths = multiplyDims(B, K)
    // A path that has ended goes on with EOS for nothing.
    const ended = constant(Array.from({ length: V }, (_, id) => (id === EOS ? 0 : IMPOSSIBLE)))
    for (let place = 0; place < this.maxDecSteps; place++) {
      const next = this.follow(reshape(words, [paths, 1], [encoderOutputs]), state, source)
      const logProbs = reshape(squeeze(next.logProbs, 1), [B, K, V], [encoderOutputs])
      const going = place === 0 ? logProbs : where(unsqueeze(equal(words, EOS), 2), ended, logProbs)
      const totals = reshape(add(unsqueeze(scores, 2), going), [B, K * V], [encoderOutputs])
      const best = topK(totals, K)
      scores = best.values
      const parents = div(best.indices, constant(V, 'int64'))
      words = mod(best.indices, constant(V, 'int64'))
      state = gather(next.state, reshape(add(parents, unsqueeze(firstRow, 1)), [paths], [encoderOutputs]), 1)
      const before = said && gatherElements(said, expand(unsqueeze(parents, 2), [B, K, place], [encoderOutputs]), 1)
      said = before ? concat([before, unsqueeze(words, 2)], 2) : unsqueeze(words, 2)
    }
    const first = constant(0, 'int64')
    return { outputs: gather(said!, first, 1), scores: gather(scores, first, 1) }
  }

  // `[.., B, ..]` -> `[.., B * K, ..]`, each item K times in a row.
  #repeat(x: Tensor, axis: number): Tensor {
    const dims = [...x.shape]
    const wide: Dim[] = [...dims.slice(0, axis + 1), this.beamSize, ...dims.slice(axis + 1)]
    const flat = [...dims.slice(0, axis), multiplyDims(dims[axis]!, this.beamSize), ...dims.slice(axis + 1)]
    return reshape(expand(unsqueeze(x, axis + 1), wide, [x]), flat, [x])
  }
}
