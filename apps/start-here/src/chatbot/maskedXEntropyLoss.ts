import {
  type Inputs,
  LabelsType,
  LogprobsType,
  Loss,
  LossType,
  MaskType,
  type Outputs,
  port,
  typecheck,
} from '@nemo/core'
import { gatherElements, maskedMean, neg, squeeze, unsqueeze } from '@nemo/graph'

/**
 * Mean of the target words' negative log-probabilities. Source: NeMo v0.9.0 `MaskedXEntropyLoss`, which takes probabilities; the
 * logarithm of a softmax is lost where it is tiny.
 */
export class MaskedXEntropyLoss extends Loss {
  static readonly inputTypes = {
    predictions: port('B T D', LogprobsType),
    target: port('B T', LabelsType),
    mask: port('B T', MaskType),
  }
  static readonly outputTypes = { loss: port(null, LossType) }

  @typecheck()
  forward({ predictions, target, mask }: Inputs<typeof MaskedXEntropyLoss>): Outputs<typeof MaskedXEntropyLoss> {
    const chosen = squeeze(gatherElements(predictions, unsqueeze(target, 2), 2), 2)
    return { loss: maskedMean(neg(chosen), mask) }
  }
}
