import { nodeBuiltin } from '../../checkpoint/nodeBuiltin.js'
import type { Model } from '../../models/model.js'
import type { Callback, CallbackState, Metrics } from '../callback.js'
import { TrainerError } from '../errors.js'
import type { Trainer } from '../trainer.js'

/** Settings of checkpoints; Lightning's and NeMo's keys. */
export interface ModelCheckpointOptions {
  /** Folder for the files. */
  readonly dirpath: string
  /** Start of the file names. Default `model`. */
  readonly prefix?: string
  /** Metric that decides which checkpoints are best. Default `val_loss`. */
  readonly monitor?: string
  /** Whether small or large values are good. Default `min`. */
  readonly mode?: 'min' | 'max'
  /** How many of the best to keep; 0 none, -1 all. Default 3. */
  readonly save_top_k?: number
  /** Keep `PREFIX-last.ckpt` up to date, so that a run can go on. Default true. */
  readonly save_last?: boolean
  /** Also write the last checkpoint every so many optimiser steps; 0 for only after validations and epochs. Default 0. */
  readonly every_n_train_steps?: number
  /** Write the final weights as `PREFIX.nemo` at the end of training, unless it was interrupted. Default false. */
  readonly always_save_nemo?: boolean
}

interface Kept {
  /** Name of the file in the folder, which may have moved when a run goes on. */
  readonly file: string
  readonly value: number
}

const builtin = () => ({
  fs: nodeBuiltin('node:fs', 'Writing checkpoints').promises,
  path: nodeBuiltin('node:path', 'Writing checkpoints'),
})

/**
 * Writes the best and the last checkpoints of a run; each file is written whole or not at all. A value that is NaN is
 * worse than all others; of equal values the earlier one is better. Off during `fast_dev_run`.
 */
export class ModelCheckpoint implements Callback {
  readonly savesCheckpoints = true
  readonly #options: Required<ModelCheckpointOptions>
  /** Best first. */
  #kept: readonly Kept[] = []
  /** Files that are no longer among the best and must go. */
  #dropped: readonly string[] = []
  #saved = ''
  #savedStep = 0

  constructor(options: ModelCheckpointOptions) {
    this.#options = {
      prefix: 'model',
      monitor: 'val_loss',
      mode: 'min',
      save_top_k: 3,
      save_last: true,
      every_n_train_steps: 0,
      always_save_nemo: false,
      ...options,
    }
  }

  /** Path of the checkpoint that a run goes on from. */
  get lastPath(): string {
    return this.#in(`${this.#options.prefix}-last.ckpt`)
  }

  /** Path of the best checkpoint so far. */
  get bestPath(): string | undefined {
    const best = this.#kept[0]
    return best && this.#in(best.file)
  }

  #in(file: string): string {
    return builtin().path.join(this.#options.dirpath, file)
  }

  /** Value of the watched metric at the best checkpoint. */
  get bestValue(): number | undefined {
    return this.#kept[0]?.value
  }

  async onFitStart(trainer: Trainer): Promise<void> {
    if (trainer.config.fast_dev_run) return
    const { fs } = builtin()
    const { dirpath, prefix } = this.#options
    await fs.mkdir(dirpath, { recursive: true })
    // What a killed run left half-written. Other files of that ending are somebody else's.
    for (const name of await fs.readdir(dirpath)) {
      if (name.startsWith(`.${prefix}-`) && /\.ckpt\.[0-9a-f-]{36}\.tmp$/.test(name))
        await fs.rm(this.#in(name), { force: true })
    }
    await this.#removeDropped()
    this.#saved = ''
    this.#savedStep = trainer.globalStep
  }

  /** @throws TrainerError if the metric was never logged. */
  async onValidationEnd(trainer: Trainer, _model: Model, metrics: Metrics): Promise<void> {
    if (trainer.config.fast_dev_run) return
    if (this.#options.save_top_k !== 0) await this.#saveIfGood(trainer, metrics)
    await this.#saveLast(trainer)
    await this.#removeDropped()
  }

  async #saveIfGood(trainer: Trainer, metrics: Metrics): Promise<void> {
    const { monitor, mode, save_top_k, prefix } = this.#options
    const value = metrics[monitor] ?? trainer.callbackMetrics[monitor]
    if (value === undefined) {
      throw new TrainerError(
        `ModelCheckpoint watches ${monitor}, which was not logged. Logged: ${Object.keys(trainer.callbackMetrics).join(', ')}.`,
      )
    }
    const better = (a: number, b: number) => !Number.isNaN(a) && (Number.isNaN(b) || (mode === 'min' ? a < b : a > b))
    const limit = save_top_k < 0 ? Number.POSITIVE_INFINITY : save_top_k
    const rank = this.#kept.filter((kept) => !better(value, kept.value)).length
    if (rank >= limit) return
    const metric = `${monitor.replace(/[/\\]/g, '_')}=${value.toFixed(4)}`
    const file = `${prefix}--${metric}-epoch=${trainer.currentEpoch}-step=${trainer.globalStep}.ckpt`
    const ranked = [...this.#kept.slice(0, rank), { file, value }, ...this.#kept.slice(rank)]
    // Before writing, so that the file knows of itself.
    this.#kept = ranked.slice(0, limit)
    this.#dropped = [...this.#dropped, ...ranked.slice(limit).map((kept) => kept.file)]
    await trainer.saveCheckpoint(this.#in(file))
  }

  // Only when the last checkpoint no longer counts on them: a run that is killed in between removes them later.
  async #removeDropped(): Promise<void> {
    for (const file of this.#dropped) await builtin().fs.rm(this.#in(file), { force: true })
    this.#dropped = []
  }

  async onTrainBatchEnd(trainer: Trainer): Promise<void> {
    const every = this.#options.every_n_train_steps
    if (every > 0 && trainer.globalStep !== this.#savedStep && trainer.globalStep % every === 0)
      await this.#saveLast(trainer)
  }

  async onTrainEpochEnd(trainer: Trainer): Promise<void> {
    await this.#saveLast(trainer)
  }

  async onInterrupt(trainer: Trainer): Promise<void> {
    await this.#saveLast(trainer)
  }

  async onFitEnd(trainer: Trainer, model: Model): Promise<void> {
    await this.#saveLast(trainer)
    const { always_save_nemo, prefix } = this.#options
    if (always_save_nemo && !trainer.interrupted && !trainer.config.fast_dev_run)
      await model.saveTo(this.#in(`${prefix}.nemo`))
  }

  async #saveLast(trainer: Trainer): Promise<void> {
    const { batchesDone, validationDue } = trainer.progress
    const state = `${batchesDone} ${validationDue}`
    if (!this.#options.save_last || trainer.config.fast_dev_run || this.#saved === state) return
    await trainer.saveCheckpoint(this.lastPath)
    this.#saved = state
    this.#savedStep = trainer.globalStep
  }

  state(): CallbackState {
    return Object.fromEntries([
      ...this.#kept.flatMap(({ file, value }, i): [string, string | number][] => [
        [`file${i}`, file],
        [`value${i}`, value],
      ]),
      ...this.#dropped.map((file, i): [string, string] => [`dropped${i}`, file]),
    ])
  }

  loadState(state: CallbackState): void {
    const { basename } = builtin().path
    const files = (key: string) => {
      const found: string[] = []
      // A checkpoint must not make us remove files elsewhere.
      for (let i = 0; typeof state[`${key}${i}`] === 'string'; i++) found.push(basename(String(state[`${key}${i}`])))
      return found
    }
    this.#kept = files('file').map((file, i) => ({ file, value: Number(state[`value${i}`]) }))
    this.#dropped = files('dropped')
  }
}
