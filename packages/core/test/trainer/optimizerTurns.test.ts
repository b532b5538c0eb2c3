import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ort } from '@nemo/graph'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import {
  type Callback,
  EMA,
  LearningRateMonitor,
  ModelCheckpoint,
  type OptimizerTurn,
  seedInitialisation,
  Trainer,
  type TrainerConfigInput,
  TrainerError,
} from '../../src/index.js'
import { TurnSchedule } from '../../src/trainer/turnSchedule.js'
import { type TinyConfig, TinyModel, tinyLoader, tinyModel, weightsOf } from './tinyModel.js'

const runtime = ort({ threads: 1 })
let scratch = ''
beforeAll(async () => {
  scratch = await mkdtemp(join(tmpdir(), 'nemo-turns-'))
})
afterAll(async () => {
  await runtime.dispose()
  await rm(scratch, { recursive: true, force: true })
})

/** A tiny model whose encoder and decoder have optimisers of their own. */
class TwoOptimizers extends TinyModel {
  constructor(
    config: TinyConfig,
    readonly frequencies?: readonly [number, number],
  ) {
    super(config as never)
  }

  override optimizerTurns(maxSteps?: number): OptimizerTurn[] {
    return (['encoder', 'decoder'] as const).map((name, i) => ({
      name,
      optimization: this.setupOptimization(undefined, maxSteps),
      weights: this[name].parameters(),
      step: (batch) => this.trainingStep(batch),
      ...(this.frequencies && { frequency: this.frequencies[i]! }),
    }))
  }
}

function twoOptimizers(config: TinyConfig = {}, frequencies?: readonly [number, number]): TwoOptimizers {
  seedInitialisation(11)
  const model = new TwoOptimizers({ optim: { name: 'sgd', lr: 0.1 }, batch_norm: false, ...config }, frequencies)
  model.trainingLoader = tinyLoader()
  return model
}

const train = (
  model: TinyModel,
  config: TrainerConfigInput,
  callbacks: readonly Callback[] = [],
  checkpoint?: string,
) =>
  new Trainer({ num_sanity_val_steps: 0, log_every_n_steps: 1, ...config }, { runtime, callbacks }).fit(
    model,
    checkpoint === undefined ? {} : { checkpoint },
  )

/** A model whose parts move one at a time, by a trainer of their own for each step: `[part, batch]`. */
async function byHand(steps: readonly (readonly ['encoder' | 'decoder', number])[]) {
  const model = tinyModel({ batch_norm: false })
  const loader = tinyLoader()
  for (const [part, position] of steps) {
    model.freeze()
    model[part].unfreeze()
    const one = tinyLoader()
    one.epoch = (epoch) => loader.epoch(epoch, position, position + 1)
    model.trainingLoader = one
    await train(model, { max_steps: 1 })
  }
  return weightsOf(model)
}

function expectClose(found: Record<string, number[]>, wanted: Record<string, number[]>): void {
  expect(Object.keys(found)).toEqual(Object.keys(wanted))
  for (const [name, values] of Object.entries(wanted))
    for (const [i, value] of values.entries()) expect(found[name]![i], name).toBeCloseTo(value, 6)
}

describe('optimisers that take turns', () => {
  it('each make a step on every batch, with the weights that the one before has left', async () => {
    const model = twoOptimizers()
    const { globalStep } = await train(model, { max_steps: 2 })
    expect(globalStep).toBe(2)
    const wanted = await byHand([
      ['encoder', 0],
      ['decoder', 0],
      ['encoder', 1],
      ['decoder', 1],
    ])
    expectClose(await weightsOf(model), wanted)
  })

  it('share the steps by their frequencies', async () => {
    const model = twoOptimizers({}, [2, 1])
    const { globalStep } = await train(model, { max_steps: 3 })
    expect(globalStep).toBe(3)
    const wanted = await byHand([
      ['encoder', 0],
      ['encoder', 1],
      ['decoder', 2],
    ])
    expectClose(await weightsOf(model), wanted)
  })

  it('log losses and rates under their names, with rates by their own steps', async () => {
    const optim = {
      name: 'sgd',
      lr: 0.1,
      sched: { name: 'PolynomialDecayAnnealing', power: 1, min_lr: 0, max_steps: 10 },
    }
    const logged: Record<string, number>[] = []
    const journal: Callback = { onLog: (_trainer, metrics) => void logged.push({ ...metrics }) }
    await train(twoOptimizers({ optim }, [1, 2]), { max_steps: 3 }, [journal, new LearningRateMonitor()])
    const steps = logged.filter((metrics) => 'train_loss' in metrics)
    expect(steps.map((metrics) => Object.keys(metrics).filter((key) => key.startsWith('train_loss')))).toEqual([
      ['train_loss', 'train_loss_encoder'],
      ['train_loss', 'train_loss_decoder'],
      ['train_loss', 'train_loss_decoder'],
    ])
    expect(steps.map(({ learning_rate }) => learning_rate!.toFixed(3))).toEqual(['0.100', '0.100', '0.090'])
    expect(steps[2]!.learning_rate_decoder).toBe(steps[2]!.learning_rate)
    const monitored = logged.filter((metrics) => 'lr-SGD' in metrics)
    expect(monitored.map((rates) => rates['lr-SGD']!.toFixed(3))).toEqual(['0.100', '0.100', '0.100'])
    expect(monitored.map((rates) => rates['lr-SGD-1']!.toFixed(3))).toEqual(['0.100', '0.100', '0.090'])
  })

  it('go on from a checkpoint with the bits of a run in one piece', async () => {
    const config = { optim: { name: 'adam', lr: 0.01 }, dropout: 0.3 }
    const make = () => twoOptimizers(config, [2, 1])
    const settings = { max_steps: 7, accumulate_grad_batches: 2 }
    const whole = make()
    await train(whole, settings)
    const first = make()
    const saving = () => new ModelCheckpoint({ dirpath: scratch, save_top_k: 0 })
    await train(first, { ...settings, max_steps: 4 }, [saving()])
    const second = make()
    await train(second, settings, [], saving().lastPath)
    expect(await weightsOf(second)).toEqual(await weightsOf(whole))
    expect(await weightsOf(first)).not.toEqual(await weightsOf(whole))
    await expect(train(tinyModel({ batch_norm: false }), settings, [], saving().lastPath)).rejects.toThrow(
      /used the optimiser adam, adam, the config says sgd/,
    )
  })

  it('keep averages of the weights that they move', async () => {
    const ema = new EMA({ decay: 0.5 })
    const model = twoOptimizers({}, [1, 1])
    const values: Record<string, number[]>[] = [await weightsOf(model)]
    const record: Callback = { onTrainBatchEnd: async () => void values.push(await weightsOf(model)) }
    await train(model, { max_steps: 3 }, [ema, record])
    for (const [name, weight] of model.namedParameters()) {
      const moved = name.startsWith('encoder') ? [1, 3] : [2]
      const average = values[0]![name]!.map((start, i) =>
        moved.reduce((old, step) => 0.5 * old + 0.5 * values[step]![name]![i]!, start),
      )
      const found = (await ema.averages.get(weight)!.value()).data as Float32Array
      for (const [i, value] of average.entries()) expect(found[i], name).toBeCloseTo(value, 6)
    }
  })

  it('have different random numbers on one batch', async () => {
    const model = twoOptimizers({ dropout: 0.5, optim: { name: 'sgd', lr: 0 } })
    const losses: number[][] = []
    const journal: Callback = {
      onLog: (_trainer, { train_loss_encoder, train_loss_decoder }) =>
        void losses.push([train_loss_encoder!, train_loss_decoder!]),
    }
    await train(model, { max_steps: 2 }, [journal])
    for (const [encoder, decoder] of losses) expect(encoder).not.toBe(decoder)
  })
})

describe('a schedule of turns', () => {
  const turn = (name: string, frequency?: number): OptimizerTurn => ({
    name,
    optimization: { optimizer: {}, scheduler: {} } as never,
    weights: [],
    step: () => ({ loss: undefined as never }),
    ...(frequency !== undefined && { frequency }),
  })

  it('counts the steps of each', () => {
    const schedule = new TurnSchedule([turn('a', 2), turn('b', 3)])
    expect(Array.from({ length: 11 }, (_, step) => schedule.active(step))).toEqual(
      [0, 0, 1, 1, 1, 0, 0, 1, 1, 1, 0].map((index) => [index]),
    )
    expect([0, 1, 2, 3, 5, 6, 11].map((step) => schedule.stepsOf(0, step))).toEqual([0, 1, 2, 2, 2, 3, 5])
    expect([0, 1, 2, 3, 5, 6, 11].map((step) => schedule.stepsOf(1, step))).toEqual([0, 0, 0, 1, 3, 3, 6])
    const together = new TurnSchedule([turn('a'), turn('b')])
    expect(together.active(4)).toEqual([0, 1])
    expect(together.stepsOf(1, 4)).toBe(4)
  })

  it.each<[string, OptimizerTurn[], RegExp]>([
    ['no optimiser', [], /no optimiser/],
    ['no names', [turn(''), turn('b')], /need names/],
    ['a name twice', [turn('a'), turn('a')], /need names, each its own; found "a", "a"/],
    ['a frequency of some', [turn('a', 1), turn('b')], /some have a frequency/],
    ['a frequency of 0', [turn('a', 0), turn('b', 1)], /whole number >= 1, found 0/],
  ])('refuses %s', (_what, turns, message) => {
    expect(() => new TurnSchedule(turns)).toThrow(TrainerError)
    expect(() => new TurnSchedule(turns)).toThrow(message)
  })

  it('refuses an optimiser that is there twice', () => {
    const a = turn('a')
    expect(() => new TurnSchedule([a, { ...a, name: 'b' }])).toThrow(/One optimiser was given to several/)
  })
})
