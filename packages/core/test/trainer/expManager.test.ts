import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ort, type TensorData } from '@nemo/graph'
import { afterAll, describe, expect, it, vi } from 'vitest'
import {
  CheckpointMisconfigurationError,
  Config,
  ConfigValidationError,
  CSVLogger,
  EMA,
  ExperimentResumeError,
  type ExpManagerConfig,
  type ExpManagerOptions,
  expManager,
  LoggerMisconfigurationError,
  LogHub,
  MetricsLogging,
  ModelCheckpoint,
  parseCsv,
  readTorchFile,
  Trainer,
  type TrainerConfigInput,
  type WandbLibrary,
} from '../../src/index.js'
import { tinyLoader, tinyModel, weightsOf } from './tinyModel.js'

const runtime = ort({ threads: 1 })
const root = mkdtempSync(join(tmpdir(), 'nemo-expmanager-'))
afterAll(async () => {
  await runtime.dispose()
  rmSync(root, { recursive: true, force: true })
})
let folders = 0
const newDir = () => join(root, String(folders++))

async function start(
  config: ExpManagerConfig,
  settings: TrainerConfigInput = { max_epochs: 2 },
  options: ExpManagerOptions = {},
) {
  const model = tinyModel()
  model.validationLoaders = [{ name: 'val', loader: tinyLoader() }]
  const trainer = new Trainer({ log_every_n_steps: 1, ...settings }, { runtime })
  const run = await expManager(trainer, config, { log: new LogHub([]), ...options })
  return { model, trainer, run }
}

const files = (dir: string) => readdirSync(dir).sort()
const text = (...parts: string[]) => readFileSync(join(...parts), 'utf8')
const stepsOf = (dir: string) =>
  parseCsv(text(dir, 'metrics.csv'))
    .slice(1)
    .map(([step]) => Number(step))

describe('expManager', () => {
  it('gives a trainer folder, loggers, checkpoints, result and report', async () => {
    const config = new Config({ trainer: { max_epochs: 2 }, note: '<script>alert(1)</script>' })
    const { model, trainer, run } = await start(
      { exp_dir: newDir(), name: 'digits', checkpoint_callback_params: { save_top_k: 1, always_save_nemo: true } },
      { max_epochs: 2 },
      { config },
    )
    await trainer.fit(model)
    const before = text(run.dir, 'report.html')
    expect(before).toContain('val_loss')
    await run.finish({
      metrics: { test_wer: 0.25 },
      sections: [{ kind: 'textSamples', title: 'Worst', samples: [{ reference: 'one two', hypothesis: 'one too' }] }],
    })
    const names = files(run.dir).filter((name) => name !== 'git-info.log')
    expect(names.filter((name) => !name.startsWith('events.out.tfevents.'))).toEqual([
      'checkpoints',
      'cmd-args.log',
      'config.yaml',
      'hparams.yaml',
      'metrics.csv',
      'nemo_error_log.txt',
      'nemo_log_globalrank-0_localrank-0.txt',
      'report.html',
      'result.json',
    ])
    expect(names.filter((name) => name.startsWith('events.out.tfevents.'))).toHaveLength(1)
    expect(files(run.experiment.checkpointDir)).toEqual([
      expect.stringMatching(/^digits--val_loss=\d\.\d\d-epoch=\d\.ckpt$/),
      'digits-end.ckpt',
      'digits-last.ckpt',
      'digits.nemo',
    ])
    expect(stepsOf(run.dir)).toEqual([1, 2, 3, 3, 4, 5, 6, 6])
    expect(text(run.dir, 'hparams.yaml')).toContain('trainer/max_epochs: 2')
    expect(JSON.parse(text(run.dir, 'result.json'))).toMatchObject({
      status: 'completed',
      metrics: { test_wer: 0.25 },
      seed: 0,
    })
    const report = text(run.dir, 'report.html')
    for (const part of ['digits', 'test_wer', 'val_loss', 'train_loss', 'Worst', 'max_epochs'])
      expect(report).toContain(part)
    expect(report).not.toContain('<script>alert(1)')
    expect(trainer.config.default_root_dir).toBe(run.dir)
  })

  it('makes only what it is asked to', async () => {
    const { model, trainer, run } = await start({
      exp_dir: newDir(),
      create_tensorboard_logger: false,
      create_csv_logger: false,
      create_checkpoint_callback: false,
      // Left open, as NeMo's configs do where W&B is off.
      wandb_logger_kwargs: { name: '???', project: '???' },
    })
    await trainer.fit(model)
    await run.finish()
    expect(files(run.experiment.checkpointDir)).toEqual([])
    expect(files(run.dir).filter((name) => /tfevents|metrics/.test(name))).toEqual([])
    expect(run.experiment.name).toBe('default')
  })

  it('resumes by NeMo’s rules, with the bits of a run in one piece and curves without gaps or repeats', async () => {
    const exp_dir = newDir()
    const config = { exp_dir, name: 'resumed', resume_if_exists: true }
    await expect(start(config)).rejects.toThrow(ExperimentResumeError)
    const first = await start({ ...config, resume_ignore_no_checkpoint: true }, { max_epochs: 1 })
    await first.trainer.fit(first.model)
    await first.run.finish()
    await expect(start(config)).rejects.toThrow(/resume_past_end/)
    rmSync(first.run.checkpoints!.endPath)
    const second = await start(config, { max_epochs: 3 })
    expect(second.trainer.config.resume_from_checkpoint).toBe(first.run.checkpoints!.lastPath)
    await second.trainer.fit(second.model)
    await second.run.finish()
    expect(second.run.dir).toBe(join(exp_dir, 'resumed'))
    expect(files(second.run.dir)).toContain('run_0')
    const whole = await start({ exp_dir, name: 'whole' }, { max_epochs: 3 })
    await whole.trainer.fit(whole.model)
    await whole.run.finish()
    expect(await weightsOf(second.model)).toEqual(await weightsOf(whole.model))
    expect(stepsOf(second.run.dir)).toEqual(stepsOf(whole.run.dir))
    expect([...second.run.history.series]).toEqual([...whole.run.history.series])
    const third = await start({ ...config, resume_past_end: true }, { max_epochs: 4 })
    expect(third.trainer.config.resume_from_checkpoint).toBe(second.run.checkpoints!.endPath)
  })

  it('averages weights where an ema section asks for it', async () => {
    const ema = { enable: true, decay: 0.5, every_n_steps: 2 }
    const { model, trainer, run } = await start({ exp_dir: newDir(), name: 'smooth', ema }, { max_epochs: 1 })
    const averaging = trainer.callbacks.find((callback) => callback instanceof EMA)!
    await trainer.fit(model)
    await run.finish()
    expect(trainer.evaluatesAverages).toBe(true)
    const path = join(run.experiment.checkpointDir, 'smooth-end.ckpt')
    const contents = (await readTorchFile(path)) as ReadonlyMap<string, ReadonlyMap<string, TensorData>>
    const saved = contents.get('ema_state_dict')!
    expect([...saved.keys()]).toEqual([...model.namedParameters().keys()])
    for (const [name, weight] of model.namedParameters())
      expect(saved.get(name)!.data).toEqual((await averaging.averages.get(weight)!.value()).data)

    const off = await start({ exp_dir: newDir(), ema: { decay: 0.5 } })
    expect(off.trainer.callbacks.some((callback) => callback instanceof EMA)).toBe(false)
    await expect(
      expManager(trainer, {
        exp_dir: newDir(),
        create_checkpoint_callback: false,
        create_tensorboard_logger: false,
        ema,
      }),
    ).rejects.toThrow(/averages its weights already, by EMA/)
    await expect(start({ exp_dir: newDir(), ema: { decay: 2 } })).rejects.toThrow(/ema\.decay/)
  })

  it('a failing run leaves a report that says so', async () => {
    const { trainer, run } = await start({ exp_dir: newDir() })
    await expect(trainer.fit(tinyModel({}, { infinite: 5 }))).rejects.toThrow(/loss is/)
    await run.close('failed')
    expect(text(run.dir, 'report.html')).toContain('failed')
  })

  it('refuses a trainer that has loggers or checkpoints of its own', async () => {
    const dir = newDir()
    const logging = new MetricsLogging([new CSVLogger({ dir: root })])
    const logs = new Trainer({}, { runtime, callbacks: [logging] })
    await expect(expManager(logs, { exp_dir: dir })).rejects.toThrow(LoggerMisconfigurationError)
    await logging.close()
    const saves = new Trainer({}, { runtime, callbacks: [new ModelCheckpoint({ dirpath: dir })] })
    await expect(expManager(saves, { exp_dir: dir })).rejects.toThrow(CheckpointMisconfigurationError)
  })

  it('names options that are wrong', async () => {
    const trainer = new Trainer({}, { runtime })
    const wrong = (config: object) => expManager(trainer, config as ExpManagerConfig)
    await expect(wrong({ create_tensorbord_logger: true })).rejects.toThrow(/did you mean create_tensorboard_logger/)
    await expect(wrong({ summary_writer_kwargs: { log_dir: 'x' } })).rejects.toThrow(
      /summary_writer_kwargs.log_dir: unknown/,
    )
    await expect(wrong({ checkpoint_callback_params: { mode: 'least' } })).rejects.toThrow(ConfigValidationError)
    await expect(wrong({ create_wandb_logger: true, wandb_logger_kwargs: { entity: 'us' } })).rejects.toThrow(
      /wandb_logger_kwargs: expected name or project/,
    )
  })
})

describe('W&B', () => {
  it('gets settings, metrics by step and the end of the run', async () => {
    const calls: unknown[] = []
    const library: WandbLibrary = {
      init: async (init) => {
        calls.push(['init', init])
        process.once('SIGINT', () => process.exit(1))
        return {
          log: (data, step) => void calls.push(['log', data, step]),
          finish: async (code) => void calls.push(['finish', code]),
        }
      },
    }
    const listeners = process.listenerCount('SIGINT')
    const { model, trainer, run } = await start(
      { exp_dir: newDir(), create_wandb_logger: true, wandb_logger_kwargs: { project: 'nemo', name: 'one' } },
      { max_epochs: 1, log_every_n_steps: 3 },
      { wandb: library, config: { model: { lr: 0.5 } } },
    )
    await trainer.fit(model)
    // A signal must not end the process before the trainer has saved.
    expect(process.listenerCount('SIGINT')).toBe(listeners)
    run.logging.loggers.at(-1)!.logMetrics({ strange: Number.NaN }, 9)
    await run.finish()
    expect(calls[0]).toEqual(['init', { dir: run.dir, project: 'nemo', name: 'one', config: { 'model/lr': 0.5 } }])
    expect(calls.slice(1)).toEqual([
      ['log', expect.objectContaining({ train_loss: expect.any(Number), epoch: 0 }), 3],
      ['log', expect.objectContaining({ val_loss: expect.any(Number) }), 3],
      ['log', { strange: 'NaN' }, 9],
      ['finish', 0],
    ])
  })

  it('says how to get its library, and what a service that refuses said', async () => {
    const wanted = { create_wandb_logger: true, wandb_logger_kwargs: { project: 'nemo' } }
    vi.doMock('@wandb/sdk', () => {
      throw new Error("Cannot find package '@wandb/sdk'")
    })
    const missing = await start({ exp_dir: newDir(), ...wanted })
    await expect(missing.trainer.fit(missing.model)).rejects.toThrow(/npm i @wandb\/sdk/)
    await missing.run.close()
    vi.doUnmock('@wandb/sdk')
    const refusing: WandbLibrary = { init: () => Promise.reject(new Error('no such key')) }
    const refused = await start({ exp_dir: newDir(), ...wanted }, { max_epochs: 1 }, { wandb: refusing })
    await expect(refused.trainer.fit(refused.model)).rejects.toThrow(/no such key.*WANDB_API_KEY/)
    await refused.run.close()
  })
})
