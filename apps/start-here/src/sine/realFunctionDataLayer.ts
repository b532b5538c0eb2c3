import {
  type Batch,
  ChannelType,
  DataLayerNM,
  DataLoader,
  Dataset,
  type Outputs,
  port,
  RandomGenerator,
  RegressionValuesType,
  registerTarget,
  type SampleContext,
} from '@nemo/core'

const pointTypes = { x: port('B D', ChannelType), y: port('B D', RegressionValuesType) }

/** Settings of a `RealFunctionDataLayer`. */
export interface RealFunctionConfig {
  /** Points. */
  readonly n: number
  readonly batch_size: number
  /** Default the sine. */
  readonly f?: (x: number) => number
  /** Interval that points are drawn from. Default [-4, 4]. */
  readonly x_lo?: number
  readonly x_hi?: number
  /** Fixes the points. Default 0. */
  readonly seed?: number
}

class RealFunctionDataset extends Dataset<number> {
  readonly outputTypes = pointTypes
  readonly #points: readonly number[]
  readonly #f: (x: number) => number

  constructor({ n, f = Math.sin, x_lo = -4, x_hi = 4, seed = 0 }: RealFunctionConfig) {
    super()
    const random = new RandomGenerator(seed)
    this.#points = Array.from({ length: n }, () => random.uniform(x_lo, x_hi))
    this.#f = f
  }

  get length(): number {
    return this.#points.length
  }

  async get({ index }: SampleContext): Promise<number> {
    return this.#points[index]!
  }

  collate(points: readonly number[]): Batch {
    const column = (values: readonly number[]) => ({
      dtype: 'float32' as const,
      shape: [values.length, 1],
      data: Float32Array.from(values),
    })
    return { arrays: { x: column(points), y: column(points.map(this.#f)) }, samples: points }
  }
}

/** Points of a function: ports `x` and `y`, `[B, 1]` each. Source: NeMo v0.9.0 `RealFunctionDataLayer`. */
export class RealFunctionDataLayer extends DataLayerNM {
  static readonly outputTypes = pointTypes

  constructor(config: RealFunctionConfig) {
    super(new DataLoader(new RealFunctionDataset(config), { batch_size: config.batch_size }))
  }

  override forward(): Outputs<typeof RealFunctionDataLayer> {
    return super.forward() as Outputs<typeof RealFunctionDataLayer>
  }
}

registerTarget(
  'nemo.tutorials.RealFunctionDataLayer',
  (args) => new RealFunctionDataLayer(args as unknown as RealFunctionConfig),
)
