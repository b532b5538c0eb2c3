import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ort, type Runtime } from '@nemo/graph'
import { afterAll, beforeAll, expect, it } from 'vitest'
import {
  type Callback,
  EMA,
  LossScaler,
  type LossScalingOptions,
  NonFiniteLossError,
  readTorchFile,
  type StepResult,
  Trainer,
  type TrainerConfigInput,
} from '../../src/index.js'
import { type TinyConfig, type TinyDataOptions, tinyModel, weightsOf } from './tinyModel.js'

const cpu = ort({ threads: 1 })

// Loss scaling does not depend on who computes: ONNX Runtime stands in for a GPU, and overflows as float32 does.
const runtime: Runtime = {
  name: 'ort',
  precision: '16-mixed',
  compile: (plan) => cpu.compile(plan),
  read: (parameter) => cpu.read(parameter),
  release: (parameter) => cpu.release(parameter),
  dispose: () => cpu.dispose(),
}

let scratch = ''
beforeAll(async () => {
  scratch = await mkdtemp(join(tmpdir(), 'nemo-mixed-'))
})
afterAll(async () => {
  await cpu.dispose()
  await rm(scratch, { recursive: true, force: true })
})

interface Setting {
  readonly model?: TinyConfig
  readonly data?: TinyDataOptions
  readonly trainer?: TrainerConfigInput
  /** Undefined for a run in float32. */
  readonly scaling?: LossScalingOptions
  readonly checkpoint?: string | undefined
  readonly saveTo?: (batchesDone: number) => string
}

async function train({ model: config, data, trainer, scaling, checkpoint, saveTo }: Setting) {
  const steps: StepResult[] = []
  const recorder: Callback = {
    savesCheckpoints: true,
    onTrainBatchEnd: async (trainer, _model, result) => {
      steps.push(result)
      if (saveTo) await trainer.saveCheckpoint(saveTo(trainer.progress.batchesDone))
    },
  }
  const model = tinyModel(config, data)
  const settings = { max_epochs: 1, num_sanity_val_steps: 0, log_every_n_steps: 1, ...trainer }
  const made = new Trainer(
    { ...settings, precision: scaling ? '16-mixed' : 32 },
    {
      callbacks: [new EMA({ decay: 0.9 }), recorder],
      runtime: scaling ? runtime : cpu,
      ...(scaling && { lossScaling: scaling }),
    },
  )
  await made.fit(model, checkpoint === undefined ? {} : { checkpoint })
  return { steps, weights: await weightsOf(model), metrics: made.callbackMetrics }
}

it('the scale follows PyTorch: halved by overflows, doubled by sound steps in a row', () => {
  const scaler = new LossScaler({ initScale: 8, growthInterval: 3 })
  const scales = [true, true, false, true, true, true, true, true, true, false].map((sound) => {
    scaler.update(sound)
    return scaler.scale
  })
  expect(scales).toEqual([8, 8, 4, 4, 4, 8, 8, 8, 16, 8])
  const state = scaler.state()
  expect(state).toEqual({ scale: 8, growth_factor: 2, backoff_factor: 0.5, growth_interval: 3, _growth_tracker: 0 })
  const other = new LossScaler()
  expect(other.scale).toBe(65536)
  other.load({ ...state, _growth_tracker: 2 })
  other.update(true)
  expect(other.scale).toBe(16)
  const largest = new LossScaler({ initScale: 2 ** 127, growthInterval: 1 })
  largest.update(true)
  expect(largest.scale).toBe(2 ** 127)
})

it.each<[string, Pick<Setting, 'model' | 'trainer'>, number]>([
  ['Adam, which counts its steps', { model: { optim: { name: 'adam', lr: 0.05 } } }, 1],
  ['clipped NovoGrad', { model: { optim: { name: 'novograd', lr: 0.05 } }, trainer: { gradient_clip_val: 0.1 } }, 1],
  [
    'Adam on gradients of two batches',
    { model: { batch_norm: false, optim: { name: 'adam', lr: 0.05 } }, trainer: { accumulate_grad_batches: 2 } },
    2,
  ],
])('steps that overflow are left out by %s as if their batches were not there', async (_, setting, accumulated) => {
  const data = { length: 48, batch_size: 2, scale: 20 }
  const found = await train({ ...setting, data, scaling: { initScale: 2 ** 127 } })
  // A group of batches is left out if one of them overflows.
  const groups = Array.from({ length: found.steps.length / accumulated }, (_, group) =>
    found.steps.slice(group * accumulated, (group + 1) * accumulated).some(({ overflowed }) => overflowed),
  )
  const skipped = groups.flatMap((overflowed, group) => (overflowed ? [group] : []))
  expect(skipped.length).toBeGreaterThan(2)
  expect(skipped.length).toBeLessThan(groups.length / 2)
  expect(found.metrics.loss_scale).toBe(2 ** (127 - skipped.length))
  const perGroup = 2 * accumulated
  const skip = skipped.flatMap((group) => Array.from({ length: perGroup }, (_, i) => group * perGroup + i))
  const expected = await train({ ...setting, data: { ...data, skip } })
  expect(expected.steps.every(({ overflowed, lossScale }) => !overflowed && lossScale === undefined)).toBe(true)
  for (const [name, values] of Object.entries(expected.weights))
    values.forEach((value, i) => {
      expect(found.weights[name]![i], `${name} ${i}`).toBeCloseTo(value, 5)
    })
})

it('the scale grows, is logged, and changes no gradient', async () => {
  const data = { length: 24 }
  const found = await train({ data, scaling: { initScale: 4, growthInterval: 2 } })
  expect(found.steps.map(({ lossScale }) => lossScale)).toEqual([4, 8, 8, 16, 16, 32])
  const expected = await train({ data })
  found.steps.forEach(({ loss, gradNorm }, i) => {
    expect(loss).toBeCloseTo(expected.steps[i]!.loss, 6)
    expect(gradNorm).toBeCloseTo(expected.steps[i]!.gradNorm!, 6)
  })
})

it.each([1, 2])('a run that is stopped anywhere goes on with the same bits, %s batches a step', async (accumulate) => {
  const setting: Setting = {
    model: { dropout: 0.3, optim: { name: 'adam', lr: 0.02 } },
    data: { length: 24, shuffle: true, scale: 20 },
    trainer: { max_epochs: 3, accumulate_grad_batches: accumulate },
    scaling: { initScale: 2 ** 127, growthInterval: 5 },
  }
  const path = (batch: number) => join(scratch, `${accumulate}-${batch}.ckpt`)
  const whole = await train({ ...setting, saveTo: path })
  expect(whole.steps.filter(({ overflowed }) => overflowed).length).toBeGreaterThan(2)
  for (const batch of [1, 4, 11]) {
    const resumed = await train({ ...setting, checkpoint: path(batch) })
    expect(resumed.weights).toEqual(whole.weights)
    expect(resumed.steps.map(({ lossScale, loss }) => [lossScale, loss])).toEqual(
      whole.steps.slice(batch).map(({ lossScale, loss }) => [lossScale, loss]),
    )
  }
  const saved = (await readTorchFile(path(4))) as unknown as Map<string, Map<string, unknown>>
  expect([...saved.get('native_amp_scaling_state')!.keys()]).toEqual([
    ...['scale', 'growth_factor', 'backoff_factor', 'growth_interval', '_growth_tracker'],
  ])
})

it('terminate_on_nan waits until the scale is next to nothing', async () => {
  const data = { length: 24, infinite: 0, batch_size: 24 }
  const run = train({ data, trainer: { max_epochs: 9 }, scaling: { initScale: 2 ** -22 } })
  await expect(run).rejects.toThrow(NonFiniteLossError)
  await expect(run).rejects.toThrow(/not finite at step 2 .*however small the loss is scaled.*weights are sound/)
})

it('mixed precision is refused where it cannot be had', () => {
  expect(() => new Trainer({ precision: 16 })).toThrow(/precision=16 needs a GPU with shader-f16.*accelerator is cpu/)
  expect(() => new Trainer({ precision: '16-mixed' }, { runtime: cpu })).toThrow(/runtime ort computes in float32/)
  expect(() => new Trainer({}, { runtime })).toThrow(/needs loss scaling. Add trainer.precision=16-mixed/)
  expect(() => new Trainer({ precision: 16, detect_anomaly: true }, { runtime })).toThrow(/detect_anomaly/)
})
