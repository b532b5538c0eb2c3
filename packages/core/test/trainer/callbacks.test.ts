import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { add, ort, reduceMean, relu, sqrt, square, sub, type Tensor } from '@nemo/graph'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import {
  type Callback,
  EarlyStopping,
  type EarlyStoppingOptions,
  Model,
  ModelCheckpoint,
  type ModelCheckpointOptions,
  NonFiniteLossError,
  readTorchFile,
  Trainer,
  type TrainerConfigInput,
  type TrainingStep,
} from '../../src/index.js'
import { Recorder } from './recorder.js'
import { type TinyConfig, type TinyDataOptions, TinyModel, tinyLoader, tinyModel, weightsOf } from './tinyModel.js'

const runtime = ort({ threads: 1 })
let scratch = ''
beforeAll(async () => {
  scratch = await mkdtemp(join(tmpdir(), 'nemo-callbacks-'))
})
afterAll(async () => {
  await runtime.dispose()
  await rm(scratch, { recursive: true, force: true })
})

/** Logs a metric of its own at every validation, as a callback before those that watch it. */
function script(values: readonly number[]): Callback {
  let turn = 0
  return {
    onLog: (trainer, metrics) => {
      if ('val_loss' in metrics) trainer.callbackMetrics.score = values[turn++ % values.length]!
    },
  }
}

async function train(
  callbacks: readonly Callback[],
  config: TrainerConfigInput = {},
  model: TinyConfig = {},
  data: TinyDataOptions = {},
) {
  const made = tinyModel(model, { length: 8, ...data })
  made.validationLoaders = [{ name: 'val', loader: tinyLoader({ length: 4 }) }]
  const recorder = new Recorder()
  const trainer = new Trainer(
    { num_sanity_val_steps: 0, max_epochs: 5, ...config },
    { callbacks: [...callbacks, recorder], runtime },
  )
  const result = await trainer.fit(made)
  return { model: made, recorder, trainer, result }
}

it('hooks run in a fixed order', async () => {
  const { recorder } = await train([], { max_epochs: 1, log_every_n_steps: 2 })
  expect(recorder.events).toEqual([
    'fit start',
    'epoch 0',
    'batch 0 step 1',
    'log',
    'batch 1 step 2',
    'validation of 1',
    'val batch 0',
    'log validation',
    'validation end',
    'epoch 0 end',
    'fit end',
  ])
})

it('callbacks run in their order, those that write checkpoints last', async () => {
  const order: string[] = []
  const named = (name: string, savesCheckpoints = false): Callback => ({
    savesCheckpoints,
    onFitStart: () => {
      order.push(name)
    },
  })
  await train([named('saver', true), named('a'), named('b')], { max_steps: 1 })
  expect(order).toEqual(['saver', 'a', 'b'].slice(1).concat('saver'))
})

it('hooks are awaited one after the other', async () => {
  const order: string[] = []
  const slow: Callback = {
    onTrainBatchEnd: async () => {
      order.push('slow begins')
      await new Promise((resolve) => setTimeout(resolve, 5))
      order.push('slow ends')
    },
  }
  const quick: Callback = {
    onTrainBatchEnd: () => {
      order.push('quick')
    },
  }
  await train([slow, quick], { max_steps: 1 })
  expect(order).toEqual(['slow begins', 'slow ends', 'quick'])
})

it('an error is told to all callbacks and thrown, whatever they do about it', async () => {
  const failing: Callback = {
    onException: () => {
      throw new Error('second')
    },
  }
  const recorder = new Recorder()
  const model = tinyModel({}, { broken: 5 })
  const fit = new Trainer({}, { callbacks: [failing, recorder], runtime }).fit(model)
  await expect(fit).rejects.toThrow('sample 5 is broken')
  expect(recorder.events.at(-1)).toBe('exception Error')
})

it('metrics that a callback logs reach loggers and later callbacks under the present step', async () => {
  const own: Callback = { onTrainEpochEnd: (trainer) => trainer.log({ mine: trainer.currentEpoch }) }
  const { recorder, result } = await train([own], { max_epochs: 2 })
  expect(recorder.logs.filter(({ metrics }) => 'mine' in metrics)).toEqual([
    { step: 2, metrics: { mine: 0 } },
    { step: 4, metrics: { mine: 1 } },
  ])
  expect(result.metrics.mine).toBe(1)
})

describe('EarlyStopping', () => {
  const stopping = async (values: readonly number[], options: EarlyStoppingOptions, config: TrainerConfigInput = {}) =>
    (await train([script(values), new EarlyStopping({ monitor: 'score', ...options })], { max_epochs: 9, ...config }))
      .result

  it('waits for patience validations without improvement', async () => {
    expect(await stopping([5, 4, 4.5, 4, 4.2], { patience: 2 })).toMatchObject({ status: 'stopped', epoch: 4 })
    expect(await stopping([9, 8, 7, 6, 5, 4, 3, 2, 1], { patience: 2 })).toMatchObject({ status: 'finished', epoch: 9 })
  })

  it('mode max wants large values', async () => {
    expect(await stopping([1, 2, 3, 2, 2, 2], { mode: 'max', patience: 3 })).toMatchObject({
      status: 'stopped',
      epoch: 6,
    })
  })

  it('improvements up to min_delta do not count', async () => {
    expect(await stopping([5, 4.9, 4.8, 4.7], { min_delta: 0.5, patience: 2 })).toMatchObject({ epoch: 3 })
  })

  it('stopping_threshold ends at once', async () => {
    expect(await stopping([5, 0.9, 0.5], { stopping_threshold: 1 })).toMatchObject({ status: 'stopped', epoch: 2 })
  })

  it('divergence_threshold ends at once where the metric gets worse than that', async () => {
    const stopped = { status: 'stopped', epoch: 3 }
    expect(await stopping([5, 9, 11, 4], { divergence_threshold: 10, patience: 9 })).toMatchObject(stopped)
    expect(await stopping([5, 3, 1, 9], { divergence_threshold: 2, patience: 9, mode: 'max' })).toMatchObject(stopped)
  })

  it('a NaN ends training, unless check_finite is off; it is never the best value', async () => {
    expect(await stopping([5, Number.NaN, 4], {})).toMatchObject({ status: 'stopped', epoch: 2 })
    const values = [Number.NaN, 3, 2, 1, 0.9, 0.8, 0.7, 0.6, 0.5]
    expect(await stopping(values, { check_finite: false, patience: 2 })).toMatchObject({ status: 'finished', epoch: 9 })
  })

  it('min_epochs outlasts it', async () => {
    expect(await stopping([1, 1, 1, 1, 1, 1, 1], { patience: 1 }, { min_epochs: 4 })).toMatchObject({
      status: 'stopped',
      epoch: 4,
      globalStep: 8,
    })
  })

  it('a metric that is not logged is an error that names those that are', async () => {
    await expect(train([new EarlyStopping({ monitor: 'val_wer' })])).rejects.toThrow(
      /EarlyStopping watches val_wer, which was not logged. Logged: .*val_loss/,
    )
  })

  it('sleeps during fast_dev_run', async () => {
    const { result } = await train([new EarlyStopping({ monitor: 'nothing' })], { fast_dev_run: true })
    expect(result.status).toBe('finished')
  })
})

describe('ModelCheckpoint', () => {
  async function checkpoints(
    values: readonly number[],
    options: Partial<ModelCheckpointOptions>,
    config: TrainerConfigInput = {},
  ) {
    const dirpath = await mkdtemp(join(scratch, 'top-'))
    const callback = new ModelCheckpoint({ dirpath, monitor: 'score', save_last: false, ...options })
    await train([callback, script(values)], { max_epochs: values.length, ...config })
    return { dirpath, callback, files: (await readdir(dirpath)).sort() }
  }
  const scores = (files: readonly string[]) =>
    files.map((file) => Number(/score=([\d.]+|NaN|Infinity)-/.exec(file)![1]))

  it('keeps the best save_top_k', async () => {
    const { files, callback } = await checkpoints([5, 3, 4, 6, 2], { save_top_k: 2 })
    expect(files).toEqual(['model--score=2.0000-epoch=4-step=10.ckpt', 'model--score=3.0000-epoch=1-step=4.ckpt'])
    expect(basename(callback.bestPath!)).toBe(files[0])
    expect(callback.bestValue).toBe(2)
  })

  it('mode max keeps the largest', async () => {
    const { files } = await checkpoints([5, 3, 4, 6, 2], { save_top_k: 2, mode: 'max' })
    expect(scores(files)).toEqual([5, 6])
  })

  it('save_top_k -1 keeps all and 0 none', async () => {
    expect(scores((await checkpoints([5, 3, 4], { save_top_k: -1 })).files)).toEqual([3, 4, 5])
    expect((await checkpoints([5, 3, 4], { save_top_k: 0 })).files).toEqual([])
  })

  it('of equal values the earlier ones stay', async () => {
    const { files, callback } = await checkpoints([4, 4, 4], { save_top_k: 2 })
    expect(files).toEqual(['model--score=4.0000-epoch=0-step=2.ckpt', 'model--score=4.0000-epoch=1-step=4.ckpt'])
    expect(basename(callback.bestPath!)).toBe(files[0])
  })

  it('NaN gives way to every number', async () => {
    const { files } = await checkpoints([Number.NaN, 7, Number.POSITIVE_INFINITY, Number.NaN, 6], { save_top_k: 2 })
    expect(scores(files)).toEqual([6, 7])
    expect(scores((await checkpoints([Number.NaN, Number.NaN], { save_top_k: 1 })).files)).toEqual([Number.NaN])
  })

  it('a slash in the name of the metric makes no folder', async () => {
    const dirpath = await mkdtemp(join(scratch, 'slash-'))
    const own: Callback = { onValidationStart: (trainer) => trainer.log({ 'val/wer': 0.5 }) }
    await train([own, new ModelCheckpoint({ dirpath, monitor: 'val/wer', prefix: 'asr' })], { max_steps: 1 })
    expect((await readdir(dirpath)).sort()).toEqual(['asr--val_wer=0.5000-epoch=0-step=1.ckpt', 'asr-last.ckpt'])
  })

  it('save_last keeps one file up to date, after validations, epochs and every_n_train_steps', async () => {
    const dirpath = await mkdtemp(join(scratch, 'last-'))
    const saved: string[] = []
    const watching = (options: Partial<ModelCheckpointOptions>, config: TrainerConfigInput) => {
      const callback = new ModelCheckpoint({ dirpath, save_top_k: 0, ...options })
      const original = Trainer.prototype.saveCheckpoint
      const spy: Callback = {
        onFitStart: (trainer) => {
          trainer.saveCheckpoint = async (path) => {
            saved.push(`${basename(path)} ${trainer.progress.batchesDone}`)
            await original.call(trainer, path)
          }
        },
      }
      return train([spy, callback], { max_epochs: 1, ...config }, {}, { length: 24 })
    }
    await watching({}, { val_check_interval: 4 })
    expect(saved).toEqual(['model-last.ckpt 4', 'model-last.ckpt 6'])
    saved.length = 0
    await watching({ every_n_train_steps: 2 }, { accumulate_grad_batches: 2, limit_val_batches: 0 })
    // Step 2 is done with batch 4; batch 5 makes no step and no file. The epoch ends with batch 6.
    expect(saved).toEqual(['model-last.ckpt 4', 'model-last.ckpt 6'])
  })

  it('a run that goes on has the memory of the one before, also in a folder that was moved', async () => {
    const values = [5, 3, 4, 6, 2, 1, 7]
    const whole = await checkpoints(values, { save_top_k: 2, save_last: true })
    const dirpath = await mkdtemp(join(scratch, 'moved-'))
    const before = await mkdtemp(join(scratch, 'before-'))
    const options = { monitor: 'score', save_top_k: 2 }
    await train([script(values), new ModelCheckpoint({ dirpath: before, ...options })], { max_epochs: 4 })
    const { cp } = await import('node:fs/promises')
    await cp(before, dirpath, { recursive: true })
    await rm(before, { recursive: true })
    const again = new ModelCheckpoint({ dirpath, ...options })
    const model = tinyModel({}, { length: 8 })
    model.validationLoaders = [{ name: 'val', loader: tinyLoader({ length: 4 }) }]
    const trainer = new Trainer(
      { max_epochs: 7, num_sanity_val_steps: 0 },
      { callbacks: [again, script(values.slice(4))], runtime },
    )
    await trainer.fit(model, { checkpoint: again.lastPath })
    expect((await readdir(dirpath)).sort()).toEqual(whole.files)
    expect(basename(again.bestPath!)).toBe(basename(whole.callback.bestPath!))
  })

  it('the best checkpoint can be gone on from and knows of itself', async () => {
    const { callback, files, dirpath } = await checkpoints([5, 3, 4], { save_top_k: 1 })
    const again = new ModelCheckpoint({ dirpath, monitor: 'score', save_top_k: 1, save_last: false })
    const model = tinyModel({}, { length: 8 })
    model.validationLoaders = [{ name: 'val', loader: tinyLoader({ length: 4 }) }]
    const trainer = new Trainer({ max_epochs: 3 }, { callbacks: [again, script([9])], runtime })
    await trainer.fit(model, { checkpoint: callback.bestPath! })
    expect((await readdir(dirpath)).sort()).toEqual(files)
    expect(again.bestValue).toBe(3)
  })

  it('a metric that is not logged is an error that names those that are', async () => {
    await expect(checkpoints([1], { monitor: 'val_wer' })).rejects.toThrow(
      /ModelCheckpoint watches val_wer, which was not logged. Logged: .*val_loss/,
    )
  })

  it('always_save_nemo writes the final weights as an archive that restores', async () => {
    const dirpath = await mkdtemp(join(scratch, 'nemo-'))
    const { model } = await train([new ModelCheckpoint({ dirpath, always_save_nemo: true, prefix: 'tiny' })], {
      max_epochs: 1,
    })
    const restored = await Model.restoreFrom(join(dirpath, 'tiny.nemo'))
    expect(restored).toBeInstanceOf(TinyModel)
    expect(await weightsOf(restored as TinyModel)).toEqual(await weightsOf(model))
  })

  it('save_best_model writes the best weights instead, and leaves the model as it is', async () => {
    const dirpath = await mkdtemp(join(scratch, 'best-'))
    const callback = new ModelCheckpoint({ dirpath, monitor: 'score', always_save_nemo: true, save_best_model: true })
    const seen: Record<string, number[]>[] = []
    const record: Callback = { onValidationEnd: async (_, trained) => void seen.push(await weightsOf(trained)) }
    const { model } = await train([callback, script([3, 1, 2]), record], { max_epochs: 3 })
    const restored = await Model.restoreFrom(join(dirpath, 'model.nemo'))
    expect(await weightsOf(restored)).toEqual(seen[1])
    expect(await weightsOf(model)).toEqual(seen[2])
  })

  it('filename names the best; equal names get a version', async () => {
    const filename = 'digits-{epoch:02d}-{score:.1f}'
    const { files } = await checkpoints([1.06, 1.06, 2], { filename })
    expect(files).toEqual([
      'digits-epoch=00-score=1.1.ckpt',
      'digits-epoch=01-score=1.1.ckpt',
      'digits-epoch=02-score=2.0.ckpt',
    ])
    expect((await checkpoints([1.06, 1.06], { filename: '{score:.1f}' })).files).toEqual([
      'score=1.1-v1.ckpt',
      'score=1.1.ckpt',
    ])
    await expect(checkpoints([1], { filename: '{wer}' })).rejects.toThrow(/names wer, which was not logged/)
  })

  it('every_n_epochs looks at the validations of some epochs only', async () => {
    const { files } = await checkpoints([5, 3, 4, 2], { save_top_k: -1, every_n_epochs: 2 })
    expect(scores(files)).toEqual([2, 3])
  })

  it('save_weights_only leaves out what a run needs to go on; the last checkpoint is whole', async () => {
    const { callback } = await checkpoints([1], { save_weights_only: true, save_last: true })
    const keys = async (path: string) => [...((await readTorchFile(path)) as unknown as Map<string, unknown>).keys()]
    const best = ['state_dict', 'hyper_parameters', 'epoch', 'global_step', 'ema_state_dict']
    expect(await keys(callback.bestPath!)).toEqual(best)
    expect(await keys(callback.lastPath)).toContain('optimizer_states')
  })

  it('save_end marks a run that was completed, until it goes on', async () => {
    const dirpath = await mkdtemp(join(scratch, 'end-'))
    const options = { dirpath, save_top_k: 0, save_end: true }
    const first = new ModelCheckpoint(options)
    const { model } = await train([first], { max_epochs: 1 })
    expect((await readdir(dirpath)).sort()).toEqual(['model-end.ckpt', 'model-last.ckpt'])
    const files: string[][] = []
    const look: Callback = { onTrainBatchEnd: async () => void files.push((await readdir(dirpath)).sort()) }
    const callbacks = [new ModelCheckpoint({ ...options, every_n_train_steps: 1 }), look]
    await new Trainer({ max_epochs: 2 }, { runtime, callbacks }).fit(model, { checkpoint: first.endPath })
    expect(files.at(-1)).toEqual(['model-last.ckpt'])
    expect((await readdir(dirpath)).sort()).toEqual(['model-end.ckpt', 'model-last.ckpt'])
  })

  it('writes nothing during fast_dev_run', async () => {
    const dirpath = join(scratch, 'fast')
    await train([new ModelCheckpoint({ dirpath, always_save_nemo: true })], { fast_dev_run: true })
    await expect(readdir(dirpath)).rejects.toThrow('ENOENT')
  })

  it('leaves temporary files of others alone', async () => {
    const dirpath = await mkdtemp(join(scratch, 'tmp-'))
    const own = '.model-last.ckpt.123e4567-e89b-12d3-a456-426614174000.tmp'
    for (const name of [own, 'notes.tmp', own.replace('model', 'other')]) await writeFile(join(dirpath, name), '')
    await train([new ModelCheckpoint({ dirpath, save_top_k: 0, save_last: false })], { max_steps: 1 })
    expect((await readdir(dirpath)).sort()).toEqual([own.replace('model', 'other'), 'notes.tmp'].sort())
  })
})

describe('a loss or gradients that are no numbers', () => {
  it('end training with the step, and the last checkpoint is still good', async () => {
    const dirpath = await mkdtemp(join(scratch, 'nan-'))
    const data = { length: 16, infinite: 13 }
    const callback = new ModelCheckpoint({ dirpath, every_n_train_steps: 1, save_top_k: 0 })
    const failed = train([callback], { max_epochs: 3 }, {}, data)
    await expect(failed).rejects.toBeInstanceOf(NonFiniteLossError)
    await expect(failed).rejects.toMatchObject({
      code: 'NEMO_NON_FINITE_LOSS',
      step: 3,
      loss: Number.POSITIVE_INFINITY,
    })
    await expect(failed).rejects.toThrow(
      /loss is Infinity at step 3 \(epoch 0, batch 3, learning rate 0.1000\).*last checkpoint/,
    )
    const model = tinyModel({}, { length: 16 })
    const result = await new Trainer({ max_epochs: 1 }, { runtime }).fit(model, { checkpoint: callback.lastPath })
    expect(result.globalStep).toBe(4)
    expect(
      Object.values(await weightsOf(model))
        .flat()
        .every(Number.isFinite),
    ).toBe(true)
  })

  it('gradients are watched too: the spoilt weights never reach a checkpoint', async () => {
    const dirpath = await mkdtemp(join(scratch, 'inf-'))
    // A root that adds 0 to the loss and NaN to its gradients.
    class Rooted extends TinyModel {
      override trainingStep(batch: Readonly<Record<string, Tensor>>): TrainingStep {
        const { loss, outputs } = super.trainingStep(batch)
        const none = relu(sub(-1, square(outputs!.prediction!)))
        return { loss: add(loss, reduceMean(sqrt(none))) }
      }
    }
    const model = new Rooted({ optim: { name: 'sgd', lr: 0.1 } })
    model.trainingLoader = tinyLoader()
    const callbacks = [new ModelCheckpoint({ dirpath, every_n_train_steps: 1 })]
    const failed = new Trainer({ max_steps: 2 }, { callbacks, runtime }).fit(model)
    await expect(failed).rejects.toThrow(/norm of the gradients is NaN at step 0/)
    await expect(failed).rejects.toBeInstanceOf(NonFiniteLossError)
    expect(await readdir(dirpath)).toEqual([])
  })

  it('with accumulation the batch that is wrong is named', async () => {
    const data = { length: 16, infinite: 6 }
    const failed = train([], { accumulate_grad_batches: 4 }, {}, data)
    await expect(failed).rejects.toThrow(/loss is Infinity at step 0 \(epoch 0, batch 1,/)
  })

  it('terminate_on_nan false trains on', async () => {
    const { result } = await train([], { max_epochs: 1, terminate_on_nan: false }, {}, { length: 16, infinite: 6 })
    expect(result).toMatchObject({ status: 'finished', globalStep: 4 })
    expect(result.metrics.train_loss).toBeNaN()
  })
})

describe('frozen parts', () => {
  it('get no update, no state of the optimiser and no moving statistics', async () => {
    const model = tinyModel({ optim: { name: 'adam', lr: 0.1 } }, { length: 8 })
    model.encoder.freeze()
    model.norm!.freeze()
    const before = await weightsOf(model)
    const path = join(scratch, 'frozen.ckpt')
    const saver: Callback = { onFitEnd: (trainer) => trainer.saveCheckpoint(path) }
    await new Trainer({ max_epochs: 2 }, { callbacks: [saver], runtime }).fit(model)
    const after = await weightsOf(model)
    for (const name of Object.keys(before)) {
      if (name.startsWith('decoder')) expect(after[name], name).not.toEqual(before[name])
      else expect(after[name], name).toEqual(before[name])
    }
    const { readTorchFile } = await import('../../src/index.js')
    const contents = (await readTorchFile(path)) as Map<string, Map<string, unknown>[]>
    expect([...(contents.get('optimizer_states')![0]!.get('state') as Map<string, unknown>).keys()].sort()).toEqual([
      'exp_avg.decoder.bias',
      'exp_avg.decoder.weight',
      'exp_avg_sq.decoder.bias',
      'exp_avg_sq.decoder.weight',
    ])
  })

  it('statistics move again when train was called after freeze', async () => {
    const model = tinyModel({}, { length: 8 })
    model.encoder.freeze()
    model.norm!.freeze()
    model.norm!.train()
    await new Trainer({ max_epochs: 1 }, { runtime }).fit(model)
    const after = await weightsOf(model)
    expect(after['norm.num_batches_tracked']).toEqual([2])
    expect(after['norm.weight']).toEqual([1, 1, 1, 1])
  })

  it('a model that is frozen as a whole is an error', async () => {
    const model = tinyModel()
    model.freeze()
    await expect(new Trainer({}, { runtime }).fit(model)).rejects.toThrow(
      /no weight to train; all are frozen.*unfreeze/,
    )
  })
})

it('weights that the loss does not depend on are left alone, also by weight decay', async () => {
  class Half extends TinyModel {
    readonly unused = this.addModule('unused', tinyModel().decoder)
  }
  const model = new Half({ optim: { name: 'adamw', lr: 0.1, weight_decay: 0.5 } })
  model.trainingLoader = tinyLoader()
  const before = await weightsOf(model)
  await new Trainer({ max_epochs: 1 }, { runtime }).fit(model)
  const after = await weightsOf(model)
  expect(after['unused.weight']).toEqual(before['unused.weight'])
  expect(after['decoder.weight']).not.toEqual(before['decoder.weight'])
})
