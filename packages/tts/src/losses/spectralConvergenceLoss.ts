import { type Inputs, Loss, LossType, type Outputs, port, registerTarget, SpectrogramType, typecheck } from '@nemo/core'
import { div, reduceMean, reduceSum, sqrt, square, sub, type Tensor } from '@nemo/graph'

/**
 * How far magnitudes are from the true ones: |y - x| / |y| (Frobenius) of each item, by the mean over items.
 *
 * Source: NeMo v1.0.0 `SpectralConvergenceLoss`; Arik et al. 2019.
 */
export class SpectralConvergenceLoss extends Loss {
  static readonly inputTypes = { xMag: port('B T D', SpectrogramType), yMag: port('B T D', SpectrogramType) }
  static readonly outputTypes = { loss: port(null, LossType) }

  /** Predicted and true magnitudes `[B, T, D]` -> a scalar. Padded frames should hold the same in both. */
  @typecheck()
  forward({ xMag, yMag }: Inputs<typeof SpectralConvergenceLoss>): Outputs<typeof SpectralConvergenceLoss> {
    return { loss: reduceMean(div(norm(sub(yMag, xMag)), norm(yMag))) }
  }
}

const norm = (x: Tensor): Tensor => sqrt(reduceSum(square(x), [1, 2]))

registerTarget(['nemo.collections.tts.losses.stftlosses.SpectralConvergenceLoss'], () => new SpectralConvergenceLoss())
