import {
  type Inputs,
  LabelsType,
  LengthsType,
  LogprobsType,
  Loss,
  LossType,
  type Outputs,
  port,
  registerTarget,
  typecheck,
} from '@nemo/core'
import { CTCLoss } from '../losses/ctcLoss.js'

/** `CTCLoss` with its first ports; the mean over the batch. Source: NeMo v0.9.0 `CTCLossNM`. */
export class CTCLossNM extends Loss {
  static readonly inputTypes = {
    logProbs: port('B T D', LogprobsType),
    targets: port('B T', LabelsType),
    inputLength: port('B', LengthsType),
    targetLength: port('B', LengthsType),
  }
  static readonly outputTypes = { loss: port(null, LossType) }

  readonly #loss: CTCLoss

  /** @param config.num_classes - Labels, without the blank, whose index this is. */
  constructor(config: { readonly num_classes: number }) {
    super()
    this.#loss = new CTCLoss(config)
  }

  /** A scalar; infinite where an utterance has fewer frames than its transcript needs. */
  @typecheck()
  forward({ logProbs, targets, inputLength, targetLength }: Inputs<typeof CTCLossNM>): Outputs<typeof CTCLossNM> {
    return this.#loss.forward({ logProbs, targets, inputLengths: inputLength, targetLengths: targetLength })
  }
}

registerTarget('nemo_asr.CTCLossNM', (args) => new CTCLossNM(args as { num_classes: number }))
