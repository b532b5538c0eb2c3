import { ort } from '@nemo/graph'
import { afterAll, describe, expect, it } from 'vitest'
import {
  type Callback,
  LearningRateMonitor,
  Timer,
  TimingCallback,
  Trainer,
  type TrainerConfigInput,
  TrainerError,
} from '../../src/index.js'
import { Recorder } from './recorder.js'
import { type TinyConfig, tinyLoader, tinyModel } from './tinyModel.js'

const runtime = ort({ threads: 1 })
afterAll(() => runtime.dispose())

async function run(callbacks: readonly Callback[], config: TrainerConfigInput, model: TinyConfig = {}) {
  const recorder = new Recorder()
  const made = tinyModel(model)
  made.validationLoaders = [{ name: 'val', loader: tinyLoader({ length: 8 }) }]
  const settings = { num_sanity_val_steps: 0, log_every_n_steps: 1, ...config }
  const result = await new Trainer(settings, { runtime, callbacks: [...callbacks, recorder] }).fit(made)
  return { recorder, result }
}

const logged = ({ logs }: Recorder, name: string) =>
  logs.flatMap(({ step, metrics }) => (name in metrics ? [[step, metrics[name]]] : []))

describe('LearningRateMonitor', () => {
  const optim = { name: 'novograd', lr: 0.1, sched: { name: 'StepLR', step_size: 1, gamma: 0.5 } }

  it('logs the rate of each logged step under the name of the optimiser', async () => {
    const { recorder } = await run([new LearningRateMonitor()], { max_steps: 3 }, { optim })
    expect(logged(recorder, 'lr-Novograd')).toEqual([
      [1, 0.1],
      [2, 0.05],
      [3, 0.025],
    ])
  })

  it('logs once per epoch where that is wanted, and every group', async () => {
    const config = { optim, optim_param_groups: { encoder: { lr: 1 } } }
    const { recorder } = await run([new LearningRateMonitor({ logging_interval: 'epoch' })], { max_epochs: 2 }, config)
    expect(logged(recorder, 'lr-Novograd/pg1').map(([step]) => step)).toEqual([0, 3])
    expect(logged(recorder, 'lr-Novograd/pg2')).toEqual([
      [0, 1],
      [3, 0.125],
    ])
  })

  it('with accumulation logs where the weights move', async () => {
    const { recorder } = await run(
      [new LearningRateMonitor()],
      { max_epochs: 1, accumulate_grad_batches: 2 },
      { optim },
    )
    expect(logged(recorder, 'lr-Novograd')).toEqual([
      [1, 0.1],
      [2, 0.05],
    ])
  })
})

describe('Timer', () => {
  it('ends training when its time is over, after the batch or the epoch', async () => {
    const slow: Callback = { onTrainBatchStart: () => new Promise((resolve) => setTimeout(resolve, 30)) }
    const step = await run([slow, new Timer({ duration: 0.02 })], { max_epochs: 5 })
    expect(step.result).toMatchObject({ status: 'stopped', globalStep: 1 })
    const epoch = await run([slow, new Timer({ duration: 0.02, interval: 'epoch' })], { max_epochs: 5 })
    expect(epoch.result).toMatchObject({ status: 'stopped', globalStep: 3 })
    expect((await run([new Timer({ duration: '01:00:00:00' })], { max_epochs: 1 })).result.status).toBe('finished')
  })

  it('counts all parts of a run', async () => {
    const first = new Timer({ duration: '00:00:01:00' })
    await run([first], { max_epochs: 1 })
    const state = first.state()
    expect(first.timeElapsed).toBeGreaterThan(0)
    const second = new Timer({ duration: '00:00:01:00' })
    second.loadState(state)
    expect(second.timeElapsed).toBe(first.timeElapsed)
    expect(second.timeRemaining).toBe(60 - first.timeElapsed)
    second.loadState({ elapsed: 61 })
    expect((await run([second], { max_epochs: 5 })).result.globalStep).toBe(0)
  })

  it('min_steps outlasts it', async () => {
    expect((await run([new Timer({ duration: 1e-9 })], { max_epochs: 5, min_steps: 4 })).result.globalStep).toBe(4)
  })

  it.each(['1 hour', '00:61', 0, -3])('the duration %j is malformed', (duration) => {
    expect(() => new Timer({ duration })).toThrow(TrainerError)
  })
})

it('max_time takes DD:HH:MM:SS', async () => {
  expect((await run([], { max_epochs: 1, max_time: '00:01:00:00' })).result.status).toBe('finished')
  expect(() => new Trainer({ max_time: 'soon' })).toThrow(/max_time/)
})

it('TimingCallback logs the seconds of steps, validations and epochs', async () => {
  const { recorder } = await run([new TimingCallback({ buffer_size: 2 })], { max_epochs: 2, log_every_n_steps: 2 })
  const steps = (name: string) => logged(recorder, name).map(([step]) => step)
  expect(steps('train_step_timing in s')).toEqual([2, 4, 6])
  expect(steps('validation_step_timing in s')).toEqual([3, 6])
  expect(steps('train_epoch_timing in s')).toEqual([3, 6])
  for (const { metrics } of recorder.logs)
    for (const [name, value] of Object.entries(metrics)) if (name.endsWith('in s')) expect(value).toBeGreaterThan(0)
})
