import { reduceMean, relu, square, squeeze, sub, type Tensor, type TensorData } from '@nemo/graph'
import {
  type Batch,
  BatchNorm1d,
  type ConfigObject,
  Conv1d,
  DataLoader,
  Dataset,
  Dropout,
  type Inputs,
  Linear,
  MeanLoss,
  type MetricAccumulator,
  Model,
  type Outputs,
  port,
  RandomGenerator,
  RegressionValuesType,
  registerTarget,
  type SampleContext,
  SpectrogramType,
  seedInitialisation,
  type TrainingStep,
  typecheck,
} from '../../src/index.js'

export const FEATURES = 3
export const FRAMES = 5

/** Settings of the synthetic data set. */
export interface TinyDataOptions {
  readonly length?: number
  readonly batch_size?: number
  readonly shuffle?: boolean
  readonly drop_last?: boolean
  readonly seed?: number
  /** Random noise on every sample, different in each epoch. */
  readonly noise?: number
  /** Indices of samples that are left out. */
  readonly skip?: readonly number[]
  /** Index of a sample that cannot be made. */
  readonly broken?: number
  /** Index of a sample with an infinite target. */
  readonly infinite?: number
  /** Factor of all targets. */
  readonly scale?: number
}

interface Sample {
  readonly x: Float32Array
  readonly y: number
  readonly index: number
}

/** Sequences whose target is a fixed function of their contents, plus noise. */
export class TinyDataset extends Dataset<Sample, number> {
  readonly outputTypes = { x: port('B D T', SpectrogramType), y: port('B', RegressionValuesType) }
  readonly length: number
  /** Contexts of all samples that were asked for, in order. */
  readonly asked: SampleContext[] = []

  constructor(readonly options: TinyDataOptions = {}) {
    super()
    this.length = options.length ?? 12
  }

  override async get(context: SampleContext): Promise<Sample | undefined> {
    this.asked.push(context)
    const { skip = [], broken, infinite, noise = 0, scale = 1 } = this.options
    const { seed, epoch, index } = context
    await new Promise((resolve) => setImmediate(resolve))
    if (skip.includes(index)) return undefined
    if (index === broken) throw new Error(`sample ${index} is broken`)
    const fixed = RandomGenerator.forKey(7, index)
    const varied = RandomGenerator.forKey(seed, epoch, index)
    const x = Float32Array.from({ length: FEATURES * FRAMES }, () => fixed.normal() + noise * varied.normal())
    const y = scale * Math.tanh(x[0]! + x[FRAMES]! * 0.5 - x[2 * FRAMES]!)
    return { x, y: index === infinite ? Number.POSITIVE_INFINITY : y, index }
  }

  override collate(samples: readonly Sample[]): Batch<number> {
    const x = new Float32Array(samples.length * FEATURES * FRAMES)
    samples.forEach((sample, i) => {
      x.set(sample.x, i * FEATURES * FRAMES)
    })
    return {
      arrays: {
        x: { dtype: 'float32', shape: [samples.length, FEATURES, FRAMES], data: x },
        y: { dtype: 'float32', shape: [samples.length], data: Float32Array.from(samples, ({ y }) => y) },
      },
      samples: samples.map(({ index }) => index),
    }
  }

  override problems(): readonly string[] {
    const { skip = [] } = this.options
    return skip.length > 0 ? [`${skip.length} samples left out`] : []
  }
}

export const tinyLoader = (options: TinyDataOptions = {}): DataLoader =>
  new DataLoader(new TinyDataset(options), {
    batch_size: options.batch_size ?? 4,
    shuffle: options.shuffle ?? false,
    drop_last: options.drop_last ?? false,
    seed: options.seed ?? 0,
  })

/** The parts of a tiny model's config. */
export interface TinyConfig {
  readonly dropout?: number
  readonly batch_norm?: boolean
  readonly channels?: number
  readonly optim?: ConfigObject
  readonly optim_param_groups?: ConfigObject
  readonly freeze_updates?: ConfigObject
}

/** A convolution, batch normalisation, dropout and a linear layer on the mean over time; squared error. */
export class TinyModel extends Model {
  static readonly inputTypes = { x: port('B D T', SpectrogramType) }
  static readonly outputTypes = { prediction: port('B', RegressionValuesType) }

  readonly target: string = 'test.TinyModel'
  readonly encoder: Conv1d
  readonly norm: BatchNorm1d | undefined
  readonly dropout: Dropout
  readonly decoder: Linear

  constructor(cfg: ConfigObject) {
    super(cfg)
    const { dropout = 0, batch_norm = true, channels = 4 } = cfg as unknown as TinyConfig
    this.encoder = this.addModule('encoder', new Conv1d(FEATURES, channels, 3, { padding: 1 }))
    if (batch_norm) this.norm = this.addModule('norm', new BatchNorm1d(channels))
    this.dropout = this.addModule('dropout', new Dropout(dropout))
    this.decoder = this.addModule('decoder', new Linear(channels, 1))
  }

  @typecheck()
  forward({ x }: Inputs<typeof TinyModel>): Outputs<typeof TinyModel> {
    const encoded = this.within('encoder', () => this.encoder.forward(x))
    const hidden = this.dropout.forward(relu(this.norm ? this.norm.forward(encoded) : encoded))
    const prediction = squeeze(this.decoder.forward(reduceMean(hidden, -1)), -1)
    return { prediction } as Outputs<typeof TinyModel>
  }

  #step(batch: Readonly<Record<string, Tensor>>): { loss: Tensor; prediction: Tensor } {
    const { prediction } = this.forward({ x: batch.x } as never)
    return { loss: reduceMean(square(sub(prediction, batch.y!))), prediction }
  }

  override trainingStep(batch: Readonly<Record<string, Tensor>>): TrainingStep {
    const { loss, prediction } = this.#step(batch)
    return { loss, outputs: { prediction } }
  }

  override validationStep(batch: Readonly<Record<string, Tensor>>): Readonly<Record<string, Tensor>> {
    return this.#step(batch)
  }

  override validationMetrics(): MetricAccumulator {
    return new TinyMetrics()
  }

  override async createDataLoader(config: ConfigObject): Promise<DataLoader> {
    return tinyLoader(config as TinyDataOptions)
  }
}

registerTarget('test.TinyModel', ({ cfg }) => new TinyModel(cfg as ConfigObject))

/** Mean loss, and the number of samples that were seen. */
class TinyMetrics implements MetricAccumulator {
  readonly #loss = new MeanLoss()
  #seen = 0

  update(outputs: Readonly<Record<string, TensorData>>, batch: Batch): void {
    this.#loss.update(outputs, batch)
    this.#seen += batch.samples.length
  }

  compute(): Record<string, number> {
    return { ...this.#loss.compute(), seen: this.#seen }
  }
}

/** A model with fixed initial weights and training data. */
export function tinyModel(config: TinyConfig = {}, data: TinyDataOptions = {}): TinyModel {
  seedInitialisation(11)
  const model = new TinyModel({ optim: { name: 'sgd', lr: 0.1 }, ...config } as ConfigObject)
  model.trainingLoader = tinyLoader(data)
  return model
}

/** All tensors of a model, as numbers by name. */
export async function weightsOf(model: Model): Promise<Record<string, number[]>> {
  const state = await model.stateDict()
  return Object.fromEntries([...state].map(([name, { data }]) => [name, Array.from(data as Float32Array, Number)]))
}
