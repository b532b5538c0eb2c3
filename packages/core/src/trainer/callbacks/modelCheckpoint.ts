import { mkdir, readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { Model } from '../../models/model.js'
import type { Callback, Metrics } from '../callback.js'
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
  /** Write the final weights as `PREFIX.nemo` at the end of training. Default false. */
  readonly always_save_nemo?: boolean
}

interface Kept {
  readonly path: string
  readonly value: number
}

/** Writes the best and the last checkpoints of a run; each file is written whole or not at all. */
export class ModelCheckpoint implements Callback {
  readonly #options: Required<ModelCheckpointOptions>
  #kept: Kept[] = []
  #savedStep = -1

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
    return join(this.#options.dirpath, `${this.#options.prefix}-last.ckpt`)
  }

  /** Path of the best checkpoint so far. */
  get bestPath(): string | undefined {
    return this.#kept[0]?.path
  }

  get bestValue(): number | undefined {
    return this.#kept[0]?.value
  }

  async onFitStart(): Promise<void> {
    await mkdir(this.#options.dirpath, { recursive: true })
    // What a killed run left half-written.
    for (const name of await readdir(this.#options.dirpath)) {
      if (name.endsWith('.tmp')) await rm(join(this.#options.dirpath, name), { force: true })
    }
  }

  async onValidationEnd(trainer: Trainer, _model: Model, metrics: Metrics): Promise<void> {
    const { monitor, mode, save_top_k, dirpath, prefix } = this.#options
    if (save_top_k !== 0) {
      const value = metrics[monitor] ?? trainer.callbackMetrics[monitor]
      if (value === undefined) {
        throw new TrainerError(
          `ModelCheckpoint watches ${monitor}, which was not logged. Logged: ${Object.keys(trainer.callbackMetrics).join(', ')}.`,
        )
      }
      const better = (a: number, b: number) => (mode === 'min' ? a < b : a > b)
      const worst = this.#kept.at(-1)
      if (save_top_k < 0 || this.#kept.length < save_top_k || (worst && better(value, worst.value))) {
        const path = join(
          dirpath,
          `${prefix}--${monitor}=${value.toFixed(4)}-epoch=${trainer.currentEpoch}-step=${trainer.globalStep}.ckpt`,
        )
        await trainer.saveCheckpoint(path)
        // Behind equals: the earlier one stays best.
        const at = this.#kept.findIndex((kept) => better(value, kept.value))
        this.#kept.splice(at < 0 ? this.#kept.length : at, 0, { path, value })
        for (const dropped of save_top_k < 0 ? [] : this.#kept.splice(save_top_k))
          await rm(dropped.path, { force: true })
      }
    }
    await this.#saveLast(trainer)
  }

  async onTrainBatchEnd(trainer: Trainer): Promise<void> {
    const every = this.#options.every_n_train_steps
    if (every > 0 && trainer.globalStep > 0 && trainer.globalStep % every === 0) await this.#saveLast(trainer)
  }

  async onTrainEpochEnd(trainer: Trainer): Promise<void> {
    await this.#saveLast(trainer)
  }

  async onInterrupt(trainer: Trainer): Promise<void> {
    await this.#saveLast(trainer)
  }

  async onFitEnd(trainer: Trainer, model: Model): Promise<void> {
    await this.#saveLast(trainer)
    if (this.#options.always_save_nemo) await model.saveTo(join(this.#options.dirpath, `${this.#options.prefix}.nemo`))
  }

  async #saveLast(trainer: Trainer): Promise<void> {
    if (!this.#options.save_last || this.#savedStep === trainer.progress.batchesDone) return
    await trainer.saveCheckpoint(this.lastPath)
    this.#savedStep = trainer.progress.batchesDone
  }

  state(): Record<string, number | string> {
    return Object.fromEntries(
      this.#kept.flatMap(({ path, value }, i) => [
        [`path${i}`, path],
        [`value${i}`, value],
      ]),
    )
  }

  loadState(state: Readonly<Record<string, number | string | boolean | null>>): void {
    this.#kept = []
    for (let i = 0; typeof state[`path${i}`] === 'string'; i++)
      this.#kept.push({ path: String(state[`path${i}`]), value: Number(state[`value${i}`]) })
  }
}
