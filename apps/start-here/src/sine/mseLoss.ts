import {
  type Inputs,
  Loss,
  LossType,
  type Outputs,
  port,
  RegressionValuesType,
  registerTarget,
  typecheck,
} from '@nemo/core'
import { reduceMean, square, sub } from '@nemo/graph'

/** Mean squared error. Source: NeMo v0.9.0 `nemo.tutorials.MSELoss`. */
export class MSELoss extends Loss {
  static readonly inputTypes = {
    predictions: port('B D', RegressionValuesType),
    target: port('B D', RegressionValuesType),
  }
  static readonly outputTypes = { loss: port(null, LossType) }

  @typecheck()
  forward({ predictions, target }: Inputs<typeof MSELoss>): Outputs<typeof MSELoss> {
    return { loss: reduceMean(square(sub(predictions, target))) }
  }
}

registerTarget('nemo.tutorials.MSELoss', () => new MSELoss())
