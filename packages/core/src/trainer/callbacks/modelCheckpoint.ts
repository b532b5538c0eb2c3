import { nodeBuiltin } from '../../checkpoint/nodeBuiltin.js'
import type { Model } from '../../models/model.js'
import type { Callback, CallbackState, Metrics } from '../callback.js'
import { TrainerError } from '../errors.js'
import { readWeights } from '../runCheckpoint.js'
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
  /**
   * Names of the best, without folder and ending: `{epoch}`, `{step}` and metrics, which may have a number format, stand
   * for `epoch=3` and the like. Default `PREFIX--{MONITOR:.4f}-{epoch}-{step}`.
   */
  readonly filename?: string | null
  /** How many of the best to keep; 0 none, -1 all. Default 3. */
  readonly save_top_k?: number
  /** Keep `PREFIX-last.ckpt` up to date, so that a run can go on. Default true. */
  readonly save_last?: boolean
  /** The best are only weights, from which no run can go on. The last one is always whole. Default false. */
  readonly save_weights_only?: boolean
  /** Look for the best only in validations of every so manieth epoch. Default 1. */
  readonly every_n_epochs?: number
  /** Write `PREFIX-end.ckpt` when training ends, unless it was interrupted: NeMo's mark of a completed run. Default false. */
  readonly save_end?: boolean
  /** Also write the last checkpoint every so many optimiser steps; 0 for only after validations and epochs. Default 0. */
  readonly every_n_train_steps?: number
  /**
   * Write the final weights, or their moving averages where a callback keeps some, as `PREFIX.nemo` at the end of
   * training, unless it was interrupted. Default false.
   */
  readonly always_save_nemo?: boolean
  /** `PREFIX.nemo` holds the weights of the best checkpoint instead of the final ones. Default false. */
  readonly save_best_model?: boolean
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
      filename: null,
      save_last: true,
      save_weights_only: false,
      every_n_epochs: 1,
      save_end: false,
      every_n_train_steps: 0,
      always_save_nemo: false,
      save_best_model: false,
      ...options,
    }
  }

  /** Path of the checkpoint that a run goes on from. */
  get lastPath(): string {
    return this.#in(`${this.#options.prefix}-last.ckpt`)
  }

  /** Path of the checkpoint that says that the run was completed. */
  get endPath(): string {
    return this.#in(`${this.#options.prefix}-end.ckpt`)
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
    const { save_top_k, every_n_epochs } = this.#options
    if (save_top_k !== 0 && (trainer.currentEpoch + 1) % every_n_epochs === 0) await this.#saveIfGood(trainer, metrics)
    await this.#saveLast(trainer)
    await this.#removeDropped()
  }

  async #saveIfGood(trainer: Trainer, metrics: Metrics): Promise<void> {
    const { monitor, mode, save_top_k, save_weights_only } = this.#options
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
    const file = this.#nameOfBest(trainer, value)
    const ranked = [...this.#kept.slice(0, rank), { file, value }, ...this.#kept.slice(rank)]
    // Before writing, so that the file knows of itself.
    this.#kept = ranked.slice(0, limit)
    this.#dropped = [...this.#dropped, ...ranked.slice(limit).map((kept) => kept.file)]
    await trainer.saveCheckpoint(this.#in(file), { weightsOnly: save_weights_only })
  }

  #nameOfBest(trainer: Trainer, value: number): string {
    const { monitor, prefix, filename } = this.#options
    const values: Record<string, number> = {
      ...trainer.callbackMetrics,
      epoch: trainer.currentEpoch,
      step: trainer.globalStep,
      [monitor]: value,
    }
    const name = formatName(filename ?? `${prefix}--{${monitor}:.4f}-{epoch}-{step}`, values)
    const taken = (file: string) => this.#kept.some((kept) => kept.file === file)
    let file = `${name}.ckpt`
    for (let version = 1; taken(file); version++) file = `${name}-v${version}.ckpt`
    return file
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
    if (trainer.interrupted || trainer.config.fast_dev_run) return
    const { always_save_nemo, save_end } = this.#options
    if (save_end) await trainer.saveCheckpoint(this.endPath)
    if (always_save_nemo) await this.#saveNemo(trainer, model)
  }

  async #saveNemo(trainer: Trainer, model: Model): Promise<void> {
    const { prefix, save_best_model } = this.#options
    const path = this.#in(`${prefix}.nemo`)
    const best = this.bestPath
    if (!save_best_model || best === undefined) return trainer.withAveragedWeights(() => model.saveTo(path))
    const weights = await readWeights(best, trainer.evaluatesAverages)
    const final = await model.stateDict()
    model.loadStateDict(weights)
    try {
      await model.saveTo(path)
    } finally {
      model.loadStateDict(final)
    }
  }

  async #saveLast(trainer: Trainer): Promise<void> {
    const { batchesDone, validationDue } = trainer.progress
    const state = `${batchesDone} ${validationDue}`
    if (!this.#options.save_last || trainer.config.fast_dev_run || this.#saved === state) return
    await trainer.saveCheckpoint(this.lastPath)
    // A run that goes on is no longer completed.
    if (this.#options.save_end) await builtin().fs.rm(this.endPath, { force: true })
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

// Lightning's format: `{val_loss:.2f}` becomes `val_loss=0.12`.
function formatName(template: string, values: Readonly<Record<string, number>>): string {
  return template.replace(/\{([^{}:]+)(?::\.?(\d+)([df]))?\}/g, (_, name: string, digits?: string, kind?: string) => {
    const value = values[name]
    if (value === undefined)
      throw new TrainerError(
        `ModelCheckpoint: filename ${template} names ${name}, which was not logged. Logged: ${Object.keys(values).join(', ')}.`,
      )
    const text =
      digits === undefined
        ? String(value)
        : kind === 'f'
          ? value.toFixed(Number(digits))
          : String(value).padStart(Number(digits), '0')
    return `${name.replace(/[/\\]/g, '_')}=${text}`
  })
}
