import { concat, mul, reduceMean, square, sub, type Tensor } from '@nemo/graph'
import {
  type Batch,
  BatchNorm1d,
  ChannelType,
  DataLayerNM,
  DataLoader,
  Dataset,
  Dropout,
  type Inputs,
  Linear,
  Loss,
  LossType,
  NeuralModule,
  type Outputs,
  port,
  RandomGenerator,
  RegressionValuesType,
  type SampleContext,
  typecheck,
} from '../../src/index.js'

interface Point {
  readonly x: number
  readonly y: number
}

const pointTypes = { x: port('B D', ChannelType), y: port('B D', RegressionValuesType) }

/** Points of a function, drawn once. */
class Points extends Dataset<Point> {
  readonly outputTypes = pointTypes
  readonly #points: readonly Point[]
  reads = 0

  constructor(
    readonly length: number,
    f: (x: number) => number,
    seed: number,
  ) {
    super()
    const random = new RandomGenerator(seed)
    this.#points = Array.from({ length }, () => {
      const x = random.uniform(-4, 4)
      return { x, y: f(x) }
    })
  }

  async get({ index }: SampleContext): Promise<Point> {
    this.reads++
    return this.#points[index]!
  }

  collate(points: readonly Point[]): Batch {
    const column = (key: 'x' | 'y') => ({
      dtype: 'float32' as const,
      shape: [points.length, 1],
      data: Float32Array.from(points, (point) => point[key]),
    })
    return { arrays: { x: column('x'), y: column('y') }, samples: points }
  }
}

/** Points of the sine by default. */
export class PointLayer extends DataLayerNM {
  static readonly outputTypes = pointTypes
  readonly points: Points

  constructor(
    options: { n?: number; batchSize?: number; shuffle?: boolean; seed?: number; f?: (x: number) => number } = {},
  ) {
    const { n = 64, batchSize = 16, shuffle = true, seed = 1, f = Math.sin } = options
    const points = new Points(n, f, seed)
    super(new DataLoader(points, { batch_size: batchSize, shuffle, seed }))
    this.points = points
  }

  override forward() {
    return super.forward() as Outputs<typeof PointLayer>
  }
}

/** Powers of x, 0 to dim - 1, and a linear layer. */
export class TaylorNet extends NeuralModule {
  static readonly inputTypes = { x: port('B D', ChannelType) }
  static readonly outputTypes = { yPred: port('B D', RegressionValuesType) }
  readonly fc1: Linear

  constructor(readonly dim: number) {
    super()
    this.fc1 = this.addModule('fc1', new Linear(dim, 1))
  }

  @typecheck()
  forward({ x }: Inputs<typeof TaylorNet>): Outputs<typeof TaylorNet> {
    const powers: Tensor[] = [mul(x, 0)]
    powers[0] = sub(1, powers[0]!)
    for (let i = 1; i < this.dim; i++) powers.push(mul(powers[i - 1]!, x))
    return { yPred: this.fc1.forward(concat(powers, 1)) }
  }
}

/** Batch normalisation and dropout: other graphs in training than in evaluation. */
export class Noisy extends NeuralModule {
  static readonly inputTypes = { x: port('B D', ChannelType) }
  static readonly outputTypes = { y: port('B D', ChannelType) }
  readonly norm: BatchNorm1d
  readonly dropout: Dropout

  constructor(p = 0.5) {
    super()
    this.norm = this.addModule('norm', new BatchNorm1d(1))
    this.dropout = this.addModule('dropout', new Dropout(p))
  }

  @typecheck()
  forward({ x }: Inputs<typeof Noisy>): Outputs<typeof Noisy> {
    return { y: this.dropout.forward(this.norm.forward(x)) }
  }
}

/** Mean squared error. */
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
