import { ort } from '@nemo/graph'
import { afterAll, describe, expect, it } from 'vitest'
import {
  type ConfigObject,
  ConfigValidationError,
  Trainer,
  type TrainerConfigInput,
  TrainerError,
} from '../../src/index.js'
import { FreezeSchedule } from '../../src/trainer/freezeSchedule.js'
import { countingRuntime } from './countingRuntime.js'
import { type TinyConfig, tinyModel, weightsOf } from './tinyModel.js'

const runtime = ort({ threads: 1 })
afterAll(() => runtime.dispose())

const freezing = (modules: ConfigObject, enabled = true): TinyConfig => ({ freeze_updates: { enabled, modules } })

/** All tensors before training and after each update. */
async function trace(
  config: TinyConfig,
  trainer: TrainerConfigInput,
  prepare?: (m: ReturnType<typeof tinyModel>) => void,
) {
  const model = tinyModel({ optim: { name: 'adamw', lr: 0.01, weight_decay: 0.1 }, ...config })
  prepare?.(model)
  const values = [await weightsOf(model)]
  const record = async (run: Trainer) => {
    if (run.globalStep === values.length) values.push(await weightsOf(model))
  }
  await new Trainer(trainer, { runtime, callbacks: [{ onTrainBatchEnd: record }] }).fit(model)
  return values
}

/** Updates, counted from 1, that moved a tensor. */
const moves = (values: readonly Record<string, number[]>[], name: string): number[] =>
  values.flatMap((after, i) => (i > 0 && String(after[name]) !== String(values[i - 1]![name]) ? [i] : []))

describe('freeze_updates', () => {
  it('a number freezes the first updates, a pair those in between with both ends, -1 has no end', () => {
    const schedule = new FreezeSchedule(tinyModel(freezing({ encoder: 2, norm: [3, -1], decoder: [2, 4] })))
    const at = (update: number) => schedule.frozenModules(update).join(' ')
    expect([1, 2, 3, 4, 5].map(at)).toEqual(['encoder', 'encoder decoder', 'norm decoder', 'norm decoder', 'norm'])
    expect(schedule.changes()).toEqual([1, 2, 3, 5])
    const always = new FreezeSchedule(tinyModel(freezing({ encoder: -1 })))
    expect([1, 1000].map((update) => always.frozenModules(update))).toEqual([['encoder'], ['encoder']])
  })

  it('does nothing unless enabled', async () => {
    expect(await trace(freezing({ encoder: -1 }, false), { max_steps: 2 })).toEqual(await trace({}, { max_steps: 2 }))
  })

  it('frozen weights do not move, by momentum and weight decay neither; running statistics do', async () => {
    const values = await trace(freezing({ encoder: 2, decoder: [2, 3] }), { max_steps: 5 })
    expect(moves(values, 'encoder.weight')).toEqual([3, 4, 5])
    expect(moves(values, 'decoder.weight')).toEqual([1, 4, 5])
    expect(moves(values, 'norm.weight')).toEqual([1, 2, 3, 4, 5])
    const frozen = await trace(freezing({ norm: -1 }), { max_steps: 2 })
    expect(moves(frozen, 'norm.running_mean')).toEqual([1, 2])
    expect(moves(frozen, 'norm.weight')).toEqual([])
  })

  it("an optimiser's steps are counted by weight, as in PyTorch", async () => {
    // Adam's first step is lr * sign(gradient) whatever the gradient is; its bias correction is that of step 1.
    const config = { ...freezing({ decoder: 3 }), optim: { name: 'adam', lr: 0.01 } }
    const values = await trace(config, { max_steps: 4 })
    const [before, after] = [values[3]!['decoder.weight']!, values[4]!['decoder.weight']!]
    for (const [i, value] of after.entries()) expect(Math.abs(value - before[i]!)).toBeCloseTo(0.01, 5)
  })

  it('counts updates, not batches, under accumulation', async () => {
    const values = await trace(freezing({ encoder: 2 }), { max_steps: 4, accumulate_grad_batches: 3 })
    expect(moves(values, 'encoder.weight')).toEqual([3, 4])
    expect(moves(values, 'decoder.weight')).toEqual([1, 2, 3, 4])
  })

  it('weights that were frozen by hand stay so', async () => {
    const values = await trace(freezing({ encoder: 1 }), { max_steps: 3 }, (model) => {
      model.encoder.bias!.requiresGrad = false
    })
    expect(moves(values, 'encoder.weight')).toEqual([2, 3])
    expect(moves(values, 'encoder.bias')).toEqual([])
  })

  it('compiles a program per set of frozen modules, without the backward work of those', async () => {
    const counting = countingRuntime()
    const model = tinyModel({ batch_norm: false, ...freezing({ encoder: [2, 3] }) })
    await new Trainer({ max_steps: 5 }, { runtime: counting.runtime }).fit(model)
    await counting.runtime.dispose()
    expect(counting.programs.map((counts) => counts.get('ConvWeightGradient') ?? 0)).toEqual([1, 0, 1])
    expect(counting.programs.map((counts) => counts.has('Sign'))).toEqual([true, false, true])
  })

  it('a module that is not there is an error that names those that are', () => {
    expect(() => new FreezeSchedule(tinyModel(freezing({ transcoder: -1 })))).toThrow(
      /no module transcoder.*encoder, norm/,
    )
  })

  it.each([{ encoder: 'all' }, { encoder: [1, 2, 3] }, { encoder: 1.5 }])('%j is malformed', (modules) => {
    expect(() => new FreezeSchedule(tinyModel(freezing(modules as ConfigObject)))).toThrow(ConfigValidationError)
  })

  it('a schedule that leaves nothing to train is an error before training', async () => {
    const fit = new Trainer({ max_steps: 9 }, { runtime }).fit(
      tinyModel(freezing({ encoder: -1, norm: [4, 8], decoder: [5, 6] })),
    )
    await expect(fit).rejects.toThrow(TrainerError)
    await expect(fit).rejects.toThrow(/leaves no weight of TinyModel to train from update 5 on; encoder, norm, decoder/)
  })
})
