/// <reference types="@webgpu/types" />
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  type Batch,
  type Callback,
  type ConfigObject,
  DataLoader,
  Dataset,
  Linear,
  MeanLoss,
  type MetricAccumulator,
  Model,
  port,
  RandomGenerator,
  RegressionValuesType,
  seedInitialisation,
  Trainer,
  type TrainingStep,
  VoidType,
} from '@nemo/core'
import { reduceMean, square, squeeze, sub, type Tensor } from '@nemo/graph'
import { WebGPUDeviceError, webgpu } from '@nemo/kernels'
import { useSoftwareVulkan } from '@nemo-tools/software-vulkan'
import { afterAll, beforeAll, expect, test } from 'vitest'

const [FEATURES, STEPS, LOST_AFTER] = [3, 6, 4]

let scratch = ''
beforeAll(async () => {
  scratch = await mkdtemp(join(tmpdir(), 'nemo-device-loss-'))
})
afterAll(() => rm(scratch, { recursive: true, force: true }))

class Points extends Dataset<number, number> {
  readonly outputTypes = { x: port('B D', VoidType), y: port('B', RegressionValuesType) }
  readonly length = 4 * STEPS

  override async get({ index }: { readonly index: number }): Promise<number> {
    return index
  }

  override collate(samples: readonly number[]): Batch<number> {
    const x = samples.flatMap((index) => {
      const random = RandomGenerator.forKey(7, index)
      return Array.from({ length: FEATURES }, () => random.normal())
    })
    const y = samples.map((_, i) => x[i * FEATURES]! - x[i * FEATURES + 1]!)
    return {
      arrays: {
        x: { dtype: 'float32', shape: [samples.length, FEATURES], data: Float32Array.from(x) },
        y: { dtype: 'float32', shape: [samples.length], data: Float32Array.from(y) },
      },
      samples: [...samples],
    }
  }
}

class Regression extends Model {
  static readonly inputTypes = { x: port('B D', VoidType) }
  static readonly outputTypes = { prediction: port('B', RegressionValuesType) }

  readonly target = 'test.Regression'
  readonly layer: Linear

  constructor(cfg: ConfigObject) {
    super(cfg)
    this.layer = this.addModule('layer', new Linear(FEATURES, 1))
  }

  forward({ x }: { readonly x?: Tensor }): { prediction: Tensor } {
    return { prediction: squeeze(this.layer.forward(x!), -1) }
  }

  override trainingStep(batch: Readonly<Record<string, Tensor>>): TrainingStep {
    return { loss: reduceMean(square(sub(this.forward(batch).prediction, batch.y!))) }
  }

  override validationStep(batch: Readonly<Record<string, Tensor>>): Readonly<Record<string, Tensor>> {
    return { loss: this.trainingStep(batch).loss }
  }

  override validationMetrics(): MetricAccumulator {
    return new MeanLoss()
  }

  override async createDataLoader(): Promise<DataLoader> {
    return new DataLoader(new Points(), { batch_size: 4 })
  }
}

async function device(): Promise<GPUDevice> {
  useSoftwareVulkan()
  const dawn = await import('webgpu')
  Object.assign(globalThis, dawn.globals)
  const gpu = dawn.create([])
  held.push(gpu)
  return (await gpu.requestAdapter())!.requestDevice()
}

// Dawn's objects must outlive their devices.
const held: object[] = []

async function train(gpu: GPUDevice, callback: Callback, checkpoint?: string): Promise<readonly number[]> {
  seedInitialisation(11)
  const model = new Regression({ optim: { name: 'novograd', lr: 0.05 } })
  model.trainingLoader = await model.createDataLoader()
  const runtime = await webgpu({ device: gpu })
  const trainer = new Trainer({ max_steps: STEPS, num_sanity_val_steps: 0 }, { callbacks: [callback], runtime })
  await trainer.fit(model, checkpoint === undefined ? {} : { checkpoint })
  const weights = Array.from((await model.layer.weight.value()).data as Float32Array)
  await runtime.dispose()
  return weights
}

test('a training that loses its GPU goes on from its last checkpoint to the weights of one that did not', async () => {
  const expected = await train(await device(), {})
  const doomed = await device()
  const checkpoint = join(scratch, 'last.ckpt')
  let steps = 0
  const saves: Callback & { savesCheckpoints: true } = {
    savesCheckpoints: true,
    onTrainBatchEnd: async (trainer) => {
      steps++
      if (steps <= 3) await trainer.saveCheckpoint(checkpoint)
      if (steps === LOST_AFTER) doomed.destroy()
    },
  }
  const problem = await train(doomed, saves).catch((error: unknown) => error)
  expect(problem).toBeInstanceOf(WebGPUDeviceError)
  expect((problem as Error).message).toMatch(/go on from the last checkpoint/)
  expect(steps).toBeLessThan(STEPS)
  expect(await train(await device(), {}, checkpoint)).toEqual(expected)
})
