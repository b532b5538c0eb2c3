import { copyFile, mkdtemp, readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { ort } from '@nemo/graph'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import {
  type Callback,
  EarlyStopping,
  EMA,
  MetricsHistory,
  ModelCheckpoint,
  RandomGenerator,
  RunCheckpointError,
  Trainer,
  type TrainerConfigInput,
  writeTorchFile,
} from '../../src/index.js'
import { Recorder } from './recorder.js'
import { type TinyConfig, type TinyDataOptions, tinyLoader, tinyModel, weightsOf } from './tinyModel.js'

const runtime = ort({ threads: 1 })
let scratch = ''
beforeAll(async () => {
  scratch = await mkdtemp(join(tmpdir(), 'nemo-resume-'))
})
afterAll(async () => {
  await runtime.dispose()
  await rm(scratch, { recursive: true, force: true })
})

interface Setting {
  readonly trainer: TrainerConfigInput
  readonly model?: TinyConfig
  readonly data?: TinyDataOptions
  /** Decay of moving averages of the weights. */
  readonly ema?: number
}

const base: Setting = {
  trainer: { max_epochs: 3, num_sanity_val_steps: 0, val_check_interval: 2, log_every_n_steps: 1 },
  model: { dropout: 0.4, optim: { name: 'novograd', lr: 0.02, weight_decay: 0.01 } },
  data: { length: 20, shuffle: true, noise: 0.5 },
}

async function train(setting: Setting, callbacks: readonly Callback[] = [], checkpoint?: string) {
  const model = tinyModel(setting.model, setting.data)
  model.validationLoaders = [
    { name: 'val', loader: tinyLoader({ length: 8 }) },
    { name: 'other', loader: tinyLoader({ length: 5, scale: 2 }) },
  ]
  const recorder = new Recorder()
  const averages = setting.ema === undefined ? [] : [new EMA({ decay: setting.ema, every_n_steps: 2 })]
  const trainer = new Trainer(setting.trainer, { callbacks: [...callbacks, ...averages, recorder], runtime })
  const result = await trainer.fit(model, checkpoint === undefined ? {} : { checkpoint })
  return { recorder, result, trainer, weights: await weightsOf(model) }
}

/** Saves a checkpoint at every place where a callback can. */
function savesEverywhere(folder: string): Callback & { readonly paths: string[] } {
  const paths: string[] = []
  const save = async (trainer: Trainer, hook: string) => {
    const path = join(folder, `${String(paths.length).padStart(3, '0')}-${hook}.ckpt`)
    paths.push(path)
    await trainer.saveCheckpoint(path)
  }
  return {
    paths,
    savesCheckpoints: true,
    onFitStart: (trainer) => save(trainer, 'start'),
    onTrainBatchEnd: (trainer) => save(trainer, 'batch'),
    onValidationEnd: (trainer) => save(trainer, 'validation'),
    onTrainEpochEnd: (trainer) => save(trainer, 'epoch'),
    onFitEnd: (trainer) => save(trainer, 'end'),
  }
}

describe('going on from a checkpoint', () => {
  it.each<[string, Setting]>([
    ['a plain run', base],
    [
      'accumulation with left-out batches',
      {
        ...base,
        trainer: { ...base.trainer, accumulate_grad_batches: 3, gradient_clip_val: 0.5 },
        data: { length: 24, noise: 0.2, skip: [4, 5, 6, 7, 20, 21, 22, 23] },
      },
    ],
    [
      'a run that ends in the middle of an epoch',
      { ...base, trainer: { ...base.trainer, max_epochs: -1, max_steps: 8 } },
    ],
    ['a few batches over and over', { ...base, trainer: { ...base.trainer, overfit_batches: 2 } }],
    [
      'moving averages, groups of weights and modules that freeze and thaw, with accumulation',
      {
        trainer: { ...base.trainer, max_epochs: 2, accumulate_grad_batches: 2 },
        model: {
          dropout: 0.4,
          optim: { name: 'adam', lr: 0.02, sched: { name: 'CosineAnnealing', warmup_steps: 2 } },
          optim_param_groups: { '*.bias': { lr: 0.05, betas: [0.5, 0.9] } },
          freeze_updates: { enabled: true, modules: { encoder: 2, decoder: [4, 5] } },
        },
        data: { length: 20, shuffle: true, noise: 0.5 },
        ema: 0.8,
      },
    ],
  ])('ends with the same bits from every place: %s', async (name, setting) => {
    const folder = await mkdtemp(join(scratch, 'places-'))
    const saves = savesEverywhere(folder)
    const whole = await train(setting, [saves, new EarlyStopping()])
    expect(saves.paths.length, name).toBeGreaterThan(8)
    for (const path of saves.paths) {
      const rest = await train(setting, [new EarlyStopping()], path)
      expect(rest.weights, path).toEqual(whole.weights)
      expect(rest.result, path).toEqual(whole.result)
      expect(whole.recorder.losses.slice(whole.recorder.losses.length - rest.recorder.losses.length)).toEqual(
        rest.recorder.losses,
      )
      // What was saved before a validation makes up for it.
      const logged = rest.recorder.logs.filter(({ metrics }) => 'val_loss' in metrics)
      const all = whole.recorder.logs.filter(({ metrics }) => 'val_loss' in metrics)
      expect(all.slice(all.length - logged.length), path).toEqual(logged)
    }
  })

  it('a signal at any event stops after the step, and the run goes on with the same bits', async () => {
    const events = ['onTrainEpochStart', 'onTrainBatchEnd', 'onValidationStart', 'onValidationBatchEnd'] as const
    const setting = { ...base, trainer: { ...base.trainer, max_epochs: 2, accumulate_grad_batches: 2 } }
    const whole = await train(setting, [new EarlyStopping()])
    for (const event of events) {
      for (const turn of [1, 2]) {
        const folder = await mkdtemp(join(scratch, 'signal-'))
        let seen = 0
        const sender: Callback = {
          [event]: () => {
            if (++seen === turn) process.emit('SIGTERM', 'SIGTERM')
          },
        }
        const saver = () => new ModelCheckpoint({ dirpath: folder, save_top_k: 1 })
        const first = await train(setting, [saver(), sender, new EarlyStopping()])
        const where = `${event} ${turn}`
        expect(first.result.status, where).toBe('interrupted')
        expect(first.recorder.events.slice(-2), where).toEqual(['interrupt', 'fit end'])
        expect(seen, where).toBe(turn)
        const second = await train(setting, [saver(), new EarlyStopping()], join(folder, 'model-last.ckpt'))
        expect(second.weights, where).toEqual(whole.weights)
        expect(second.result, where).toEqual(whole.result)
        // Nobody hears of half a validation.
        const validations = (recorder: Recorder) => recorder.logs.filter(({ metrics }) => 'val_loss' in metrics)
        expect([...validations(first.recorder), ...validations(second.recorder)], where).toEqual(
          validations(whole.recorder),
        )
      }
    }
  })

  it('evaluation after an interrupted fit is complete', async () => {
    const model = tinyModel()
    model.validationLoaders = [{ name: 'val', loader: tinyLoader({ length: 20 }) }]
    const sender: Callback = {
      onTrainBatchEnd: () => {
        process.emit('SIGINT', 'SIGINT')
      },
    }
    const trainer = new Trainer(base.trainer, { callbacks: [sender], runtime })
    expect((await trainer.fit(model)).status).toBe('interrupted')
    expect((await trainer.validate(model)).val_seen).toBe(20)
  })

  it('a signal leaves no listeners behind', async () => {
    const before = process.listenerCount('SIGINT')
    await train({ ...base, trainer: { max_steps: 1 } })
    expect(process.listenerCount('SIGINT')).toBe(before)
    expect(process.listenerCount('SIGTERM')).toBe(process.listenerCount('SIGTERM'))
  })

  it('early stopping remembers how long it has waited', async () => {
    // Without learning nothing improves.
    const setting: Setting = {
      ...base,
      model: { optim: { name: 'sgd', lr: 0 }, batch_norm: false },
      trainer: { ...base.trainer, max_epochs: 50, val_check_interval: 1.0 },
    }
    const folder = await mkdtemp(join(scratch, 'stopping-'))
    const saves = savesEverywhere(folder)
    const whole = await train(setting, [saves, new EarlyStopping({ patience: 3 })])
    expect(whole.result).toMatchObject({ status: 'stopped', epoch: 4 })
    for (const path of saves.paths) {
      const rest = await train(setting, [new EarlyStopping({ patience: 3 })], path)
      expect(rest.result, path).toEqual(whole.result)
    }
    // Who gives it more patience trains on.
    const last = saves.paths.at(-1)!
    const more = await train(setting, [new EarlyStopping({ patience: 5 })], last)
    expect(more.result).toMatchObject({ status: 'stopped', epoch: 6 })
  })

  it('callbacks find their memory whatever other callbacks there are', async () => {
    const path = join(scratch, 'order.ckpt')
    const saver: Callback = { savesCheckpoints: true, onFitEnd: (trainer) => trainer.saveCheckpoint(path) }
    const first = new EarlyStopping({ monitor: 'val_loss' })
    const second = new EarlyStopping({ monitor: 'train_loss' })
    await train({ ...base, trainer: { ...base.trainer, max_epochs: 1 } }, [saver, first, second])
    const again = [new EarlyStopping({ monitor: 'val_loss' }), new EarlyStopping({ monitor: 'train_loss' })] as const
    await train({ ...base, trainer: { ...base.trainer, max_epochs: 1 } }, [new Recorder(), ...again], path)
    expect(again.map((callback) => callback.state())).toEqual([first.state(), second.state()])
    expect(first.state()).not.toEqual(second.state())
  })

  it('the curves of a run are those of all its parts', async () => {
    const path = join(scratch, 'curves.ckpt')
    const whole = new MetricsHistory()
    const saver: Callback = {
      onTrainBatchEnd: async (trainer) => {
        if (trainer.globalStep === 7) await trainer.saveCheckpoint(path)
      },
    }
    await train(base, [whole, saver])
    const second = new MetricsHistory()
    await train(base, [second], path)
    expect([...second.series].sort()).toEqual([...whole.series].sort())
    expect(second.series.get('train_loss')!.steps.length).toBe(15)
  })

  it('more epochs can be trained from a checkpoint of a finished run', async () => {
    const path = join(scratch, 'finished.ckpt')
    const saver: Callback = { onFitEnd: (trainer) => trainer.saveCheckpoint(path) }
    await train({ ...base, trainer: { ...base.trainer, max_epochs: 1 } }, [saver])
    const more = await train({ ...base, trainer: { ...base.trainer, resume_from_checkpoint: path } })
    const whole = await train(base)
    expect(more.weights).toEqual(whole.weights)
    expect(more.recorder.losses).toEqual(whole.recorder.losses.slice(5))
  })
})

describe('a checkpoint that cannot be gone on from', () => {
  let path = ''
  let middle = ''
  beforeAll(async () => {
    path = join(scratch, 'good.ckpt')
    middle = join(scratch, 'middle.ckpt')
    const saver: Callback = {
      onTrainBatchEnd: async (trainer) => {
        if (trainer.progress.batchesDone === 2) await trainer.saveCheckpoint(middle)
      },
      onFitEnd: (trainer) => trainer.saveCheckpoint(path),
    }
    await train(base, [saver])
  })

  const failure = (setting: Setting, from: string) =>
    train(setting, [], from).then(
      () => undefined,
      (error: unknown) => error as RunCheckpointError,
    )

  it('because it is cut off names the file, the damage and other checkpoints', async () => {
    const folder = await mkdtemp(join(scratch, 'cut-'))
    const cut = join(folder, 'model-last.ckpt')
    await copyFile(path, join(folder, 'model--val_loss=1.ckpt'))
    const size = (await readFile(path)).length
    for (const kept of [0, 1, 100, size >> 1, size - 1]) {
      await copyFile(path, cut)
      await truncate(cut, kept)
      const error = await failure(base, cut)
      expect(error, `${kept} bytes`).toBeInstanceOf(RunCheckpointError)
      expect(error!.code).toBe('NEMO_RUN_CHECKPOINT')
      expect(error!.message).toContain(cut)
      expect(error!.message).toMatch(
        /cannot be read: .*Go on from another checkpoint of that folder \(model--val_loss=1.ckpt\)/,
      )
      expect(error!.cause).toBeInstanceOf(Error)
    }
  })

  it('because bits flipped is refused, or reads the same values', async () => {
    const bytes = await readFile(path)
    const damaged = join(scratch, 'damaged.ckpt')
    const random = new RandomGenerator(3)
    const whole = await train({ ...base, trainer: { ...base.trainer, max_epochs: 4 } }, [], path)
    let refused = 0
    for (let turn = 0; turn < 40; turn++) {
      const copy = Uint8Array.from(bytes)
      const at = random.integer(copy.length)
      copy[at] = copy[at]! ^ (1 << random.integer(8))
      await writeFile(damaged, copy)
      const result = await train({ ...base, trainer: { ...base.trainer, max_epochs: 4 } }, [], damaged).catch(
        (error: unknown) => error,
      )
      if (result instanceof Error) {
        expect(result, `byte ${at}`).toBeInstanceOf(RunCheckpointError)
        refused++
      } else expect((result as typeof whole).weights, `byte ${at}`).toEqual(whole.weights)
    }
    expect(refused).toBeGreaterThan(20)
  })

  it('because it is not there says so', async () => {
    expect((await failure(base, join(scratch, 'nowhere', 'x.ckpt')))!.message).toMatch(/nowhere.*start a new run/)
  })

  it('because it holds only weights says what to do', async () => {
    const foreign = join(scratch, 'weights.ckpt')
    await writeTorchFile(foreign, new Map([['state_dict', new Map()]]) as never)
    expect((await failure(base, foreign))!.message).toMatch(/no state of a run.*load them into the model/)
  })

  it.each<[string, Setting, RegExp]>([
    ['another seed', { ...base, trainer: { ...base.trainer, seed: 4 } }, /the run had seed 0, the trainer has 4/],
    [
      'another optimiser',
      { ...base, model: { optim: { name: 'adam', lr: 0.1 } } },
      /used the optimiser novograd, the config says adam/,
    ],
    [
      'other layers',
      { ...base, model: { ...base.model, batch_norm: false } },
      /the model of the run is another one: missing nothing, unexpected norm.weight/,
    ],
    [
      'another width',
      { ...base, model: { ...base.model, channels: 5 } },
      /encoder.weight is float32\[4, 3, 3\], expected/,
    ],
  ])('because of %s', async (_, setting, message) => {
    const error = await failure(setting, path)
    expect(error).toBeInstanceOf(RunCheckpointError)
    expect(error!.message).toMatch(message)
  })

  it('in the middle of an epoch because the epoch has another length', async () => {
    const changed = { ...base, data: { ...base.data, length: 40 } }
    expect((await failure(changed, middle))!.message).toMatch(
      /batch 2 of 5 in epoch 0, but an epoch now has 10 batches/,
    )
    // At the end of an epoch new data are welcome.
    expect(await failure(changed, path)).toBeUndefined()
  })

  it('in the middle of a group because accumulation was turned off', async () => {
    const setting = { ...base, trainer: { ...base.trainer, accumulate_grad_batches: 2 } }
    const group = join(scratch, 'group.ckpt')
    const saver: Callback = {
      onTrainBatchEnd: async (trainer) => {
        if (trainer.progress.batchesDone === 1) await trainer.saveCheckpoint(group)
      },
    }
    await train(setting, [saver])
    expect((await failure(base, group))!.message).toMatch(
      /gradient accumulation.*unexpected grad_sum.*accumulate_grad_batches/,
    )
  })

  it('leaves the model as it was', async () => {
    const model = tinyModel({ ...base.model, batch_norm: false })
    const before = await weightsOf(model)
    await expect(new Trainer(base.trainer, { runtime }).fit(model, { checkpoint: path })).rejects.toThrow(
      RunCheckpointError,
    )
    expect(await weightsOf(model)).toEqual(before)
  })

  it('cannot be written outside of fit', async () => {
    await expect(new Trainer({}, { runtime }).saveCheckpoint(path)).rejects.toThrow(/only while fit is running/)
  })
})

it('checkpoints are PyTorch files with the keys of Lightning, and hold no gradient sums between groups', async () => {
  const folder = await mkdtemp(join(scratch, 'keys-'))
  const saves = savesEverywhere(folder)
  await train({ ...base, trainer: { ...base.trainer, max_epochs: 1, accumulate_grad_batches: 2 } }, [saves])
  const { readTorchFile } = await import('../../src/index.js')
  const sums = []
  for (const path of saves.paths) {
    const contents = (await readTorchFile(path)) as Map<string, Map<string, unknown>>
    const keys = ['state_dict', 'hyper_parameters', 'epoch', 'global_step', 'optimizer_states']
    expect([...contents.keys()]).toEqual(expect.arrayContaining(keys))
    if (basename(path).includes('batch')) sums.push(contents.get('gradient_sums')!.size > 0)
  }
  expect(sums).toEqual([true, false, true, false, false])
  expect((await readdir(folder)).filter((name) => name.endsWith('.tmp'))).toEqual([])
})
