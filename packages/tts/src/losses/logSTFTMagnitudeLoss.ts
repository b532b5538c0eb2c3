import {
  type Inputs,
  LengthsType,
  Loss,
  LossType,
  type Outputs,
  port,
  registerTarget,
  SpectrogramType,
  typecheck,
} from '@nemo/core'
import { abs, cast, div, log, reduceMean, reduceSum, sub } from '@nemo/graph'

/**
 * Mean absolute difference of log magnitudes.
 *
 * Source: NeMo v1.0.0 `LogSTFTMagnitudeLoss`; Arik et al. 2019.
 */
export class LogSTFTMagnitudeLoss extends Loss {
  static readonly inputTypes = {
    xMag: port('B T D', SpectrogramType),
    yMag: port('B T D', SpectrogramType),
    inputLengths: port('B', LengthsType, { optional: true }),
  }
  static readonly outputTypes = { loss: port(null, LossType) }

  /**
   * @param inputs.xMag - Predicted magnitudes `[B, T, D]`, above 0.
   * @param inputs.yMag - True magnitudes `[B, T, D]`, above 0.
   * @param inputs.inputLengths - Frames of each item: its differences are added up and divided by that instead of T.
   * @returns a scalar.
   */
  @typecheck()
  forward({ xMag, yMag, inputLengths }: Inputs<typeof LogSTFTMagnitudeLoss>): Outputs<typeof LogSTFTMagnitudeLoss> {
    const differences = abs(sub(log(yMag), log(xMag)))
    if (!inputLengths) return { loss: reduceMean(differences) }
    const perItem = reduceSum(reduceMean(differences, 2), 1)
    return { loss: reduceMean(div(perItem, cast(inputLengths, perItem.dtype))) }
  }
}

registerTarget(['nemo.collections.tts.losses.stftlosses.LogSTFTMagnitudeLoss'], () => new LogSTFTMagnitudeLoss())
