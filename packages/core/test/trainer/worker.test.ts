import { gather, ort, reduceMean, relu, square, sub, type Tensor, type TensorData } from '@nemo/graph'
import { expect, it } from 'vitest'
import {
  type Batch,
  DataLoader,
  Dataset,
  Embedding,
  LabelsType,
  Linear,
  MeanLoss,
  type MetricAccumulator,
  Model,
  port,
  Trainer,
  type TrainingStep,
} from '../../src/index.js'
import { FRAMES, TinyModel, tinyLoader, tinyModel, weightsOf } from './tinyModel.js'

/** A step of some ten milliseconds. */
class HeavyModel extends TinyModel {
  readonly wide = this.addModule('wide', new Linear(FRAMES, 1024))
  readonly square = this.addModule('square', new Linear(1024, 1024))

  override trainingStep(batch: Readonly<Record<string, Tensor>>): TrainingStep {
    let hidden = this.wide.forward(batch.x!)
    for (let i = 0; i < 12; i++) hidden = relu(this.square.forward(hidden))
    return { loss: reduceMean(square(hidden)) }
  }
}

it('timers of the main thread go on while steps compute in the worker', async () => {
  const model = new HeavyModel({ optim: { name: 'sgd', lr: 0.1 } })
  model.trainingLoader = tinyLoader({ length: 96, batch_size: 32 })
  const trainer = new Trainer({ max_epochs: 1, num_threads: 1 })
  let ticks = 0
  const timer = setInterval(() => {
    ticks++
  }, 1)
  const during: number[] = []
  let before = 0
  trainer.callbacks.push({
    onTrainEpochStart: () => {
      before = ticks
    },
    onTrainBatchEnd: () => {
      during.push(ticks - before)
      before = ticks
    },
  })
  try {
    await trainer.fit(model)
  } finally {
    clearInterval(timer)
    await trainer.dispose()
  }
  expect(during.length).toBe(3)
  // A blocked thread gives a tick or two, at the awaits around a step.
  expect(Math.min(...during)).toBeGreaterThan(4)
})

it('gives the same bits as the calling thread', async () => {
  const results: unknown[] = []
  for (const worker of [true, false]) {
    const runtime = ort({ worker, threads: 1 })
    const model = tinyModel({ dropout: 0.2 }, { length: 12, shuffle: true })
    model.validationLoaders = [{ name: 'val', loader: tinyLoader() }]
    const { metrics } = await new Trainer({ max_epochs: 2 }, { runtime }).fit(model)
    await runtime.dispose()
    results.push({ metrics, weights: await weightsOf(model) })
  }
  expect(results[0]).toEqual(results[1])
})

it('weights are home after dispose, and nothing keeps the process alive', async () => {
  const before = process
    .getActiveResourcesInfo()
    .filter((name) => name !== 'Timeout')
    .sort()
  const model = tinyModel()
  const trainer = new Trainer({ max_epochs: 1 })
  await trainer.fit(model)
  const during = await weightsOf(model)
  await trainer.dispose()
  expect(await weightsOf(model)).toEqual(during)
  expect(model.encoder.weight.owner).toBeUndefined()
  expect(
    process
      .getActiveResourcesInfo()
      .filter((name) => name !== 'Timeout')
      .sort(),
  ).toEqual(before)
  // And a new trainer can go on from there.
  const again = new Trainer({ max_epochs: 1 })
  expect((await again.fit(model)).status).toBe('finished')
  await again.dispose()
})

class Words extends Dataset<number, number> {
  readonly outputTypes = { word: port('B', LabelsType) }
  readonly length = 4
  constructor(readonly wrong: number) {
    super()
  }
  override async get({ index }: { readonly index: number }): Promise<number> {
    return index === 2 ? this.wrong : index
  }
  override collate(samples: readonly number[]): Batch<number> {
    const data = BigInt64Array.from(samples, BigInt)
    return { arrays: { word: { dtype: 'int64', shape: [samples.length], data } }, samples }
  }
}

class WordModel extends Model {
  readonly target = 'test.WordModel'
  readonly embedding = this.addModule('embedding', new Embedding(4, 2))
  readonly output = this.addModule('output', new Linear(2, 1))

  override forward(inputs: { readonly word: Tensor }): { readonly y: Tensor } {
    return { y: this.output.forward(gather(this.embedding.weight, inputs.word, 0)) }
  }
  override trainingStep(batch: Readonly<Record<string, Tensor>>): TrainingStep {
    const { y } = this.forward({ word: batch.word! })
    return { loss: reduceMean(square(sub(y, 1))) }
  }
  override validationStep(batch: Readonly<Record<string, Tensor>>): Readonly<Record<string, Tensor>> {
    return { loss: this.trainingStep(batch).loss }
  }
  override validationMetrics(): MetricAccumulator {
    return new MeanLoss()
  }
  override async createDataLoader(): Promise<DataLoader> {
    return new DataLoader(new Words(0))
  }
}

it('an op that fails inside the worker surfaces with the step, and the trainer lives on', async () => {
  const model = new WordModel({ optim: { name: 'sgd', lr: 0.1 } })
  model.trainingLoader = new DataLoader(new Words(99))
  const trainer = new Trainer({ max_epochs: 2 })
  try {
    const failed = trainer.fit(model)
    await expect(failed).rejects.toThrow(/Training step 2 \(epoch 0, batch 2, .*failed: .*99/)
    await expect(failed).rejects.toMatchObject({ code: 'NEMO_TRAINER', cause: { code: 'NEMO_RUNTIME' } })
    model.trainingLoader = new DataLoader(new Words(1))
    expect(await trainer.fit(model)).toMatchObject({ status: 'finished', globalStep: 8 })
  } finally {
    await trainer.dispose()
  }
})

it('an evaluation that fails names the set and the batch', async () => {
  const model = new WordModel({})
  model.testLoaders = [{ name: 'other', loader: new DataLoader(new Words(99)) }]
  const trainer = new Trainer()
  try {
    await expect(trainer.test(model)).rejects.toThrow(/test batch 2 of other failed: .*99/)
  } finally {
    await trainer.dispose()
  }
})

it('parameters that were set between two runs are used by the next', async () => {
  const trainer = new Trainer({ max_epochs: 1 })
  try {
    const model = tinyModel({ optim: { name: 'sgd', lr: 0 }, batch_norm: false })
    await trainer.fit(model)
    const zeros = (value: TensorData): TensorData => ({ ...value, data: new Float32Array(value.data.length) })
    const state = await model.stateDict()
    model.loadStateDict(new Map([...state].map(([name, value]) => [name, zeros(value)])))
    await trainer.fit(model)
    expect(
      Object.values(await weightsOf(model))
        .flat()
        .every((value) => value === 0),
    ).toBe(true)
  } finally {
    await trainer.dispose()
  }
})
