import {
  ChannelType,
  type Inputs,
  Linear,
  NeuralModule,
  type Outputs,
  port,
  RegressionValuesType,
  registerTarget,
  typecheck,
  xavierUniform,
} from '@nemo/core'
import { concat, mul, onesLike, type Tensor } from '@nemo/graph'

/** Learns the coefficients of a polynomial: a linear layer over 1, x, x², ... Source: NeMo v0.9.0 `TaylorNet`. */
export class TaylorNet extends NeuralModule {
  static readonly inputTypes = { x: port('B D', ChannelType) }
  static readonly outputTypes = { yPred: port('B D', RegressionValuesType) }

  readonly fc1: Linear
  readonly #dim: number

  /** @param config.dim - Number of powers. */
  constructor({ dim }: { readonly dim: number }) {
    super()
    this.#dim = dim
    this.fc1 = this.addModule('fc1', new Linear(dim, 1))
    this.fc1.weight.set(xavierUniform([1, dim]))
  }

  /** `[B, 1]` -> `[B, 1]` */
  @typecheck()
  forward({ x }: Inputs<typeof TaylorNet>): Outputs<typeof TaylorNet> {
    const powers: Tensor[] = [onesLike(x)]
    while (powers.length < this.#dim) powers.push(mul(powers.at(-1)!, x))
    return { yPred: this.fc1.forward(concat(powers, 1)) }
  }
}

registerTarget('nemo.tutorials.TaylorNet', (args) => new TaylorNet(args as { dim: number }))
