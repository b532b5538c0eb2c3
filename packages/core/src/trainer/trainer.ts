import { ort, type Runtime } from '@nemo/graph'
import { validateConfig } from '../config/validateConfig.js'
import type { DataLoader } from '../data/dataLoader.js'
import type { Batch } from '../data/dataset.js'
import { getLogger } from '../logging/logger.js'
import type { Model, NamedLoader, Optimization } from '../models/model.js'
import type { PortTypes } from '../neuralTypes/ports.js'
import type { Callback, Metrics } from './callback.js'
import { NonFiniteLossError, RunCheckpointError, TrainerError } from './errors.js'
import { EvaluationProgram } from './evaluationProgram.js'
import { Interrupts } from './interrupts.js'
import { type CallbackStates, loadRunCheckpoint, type Progress, saveRunCheckpoint } from './runCheckpoint.js'
import { limitedBatches, type TrainerConfig, type TrainerConfigInput, trainerConfigSchema } from './trainerConfig.js'
import { type StepResult, TrainingProgram } from './trainingProgram.js'

/** What a trainer takes besides its settings. */
export interface TrainerParts {
  readonly callbacks?: readonly Callback[]
  /** Default: ONNX Runtime in a worker thread, so that signals and progress bars stay alive. */
  readonly runtime?: Runtime
}

/**
 * How a run ended: it reached its epochs or steps, a callback or the time limit stopped it, or a signal interrupted it.
 */
export type FitStatus = 'finished' | 'stopped' | 'interrupted'

// What `fit` works on.
interface Run {
  readonly model: Model
  readonly loader: DataLoader
  readonly optimization: Optimization
  readonly program: TrainingProgram
  readonly maxSteps: number | undefined
  /** Time on the monotonic clock when `max_time` is over, in milliseconds. */
  readonly deadline: number
}

type Purpose = 'validation' | 'test'

// A compiled evaluation step; sets of equal ports share it.
interface Evaluation {
  readonly model: Model
  readonly ports: PortTypes
  readonly purpose: Purpose
  readonly program: EvaluationProgram
}

/** Outcome of `fit`. */
export interface FitResult {
  readonly status: FitStatus
  /** Newest value of everything that was logged. */
  readonly metrics: Metrics
  /** Epochs completed. */
  readonly epoch: number
  readonly globalStep: number
}

const START: Progress = {
  epoch: 0,
  batch: 0,
  globalStep: 0,
  batchesDone: 0,
  accumulatedBatches: 0,
  validationDue: false,
}

/**
 * Trains, validates and tests models. Settings are Lightning's; see `trainerConfigSchema`.
 *
 * The order of data, dropout and augmentation depend on (seed, step) alone, so a run that is stopped and resumed from
 * its checkpoint gives the same bits as one that was not.
 */
export class Trainer {
  readonly config: TrainerConfig
  readonly callbacks: Callback[]
  readonly runtime: Runtime
  /** Newest value of everything that was logged. */
  readonly callbackMetrics: Record<string, number> = {}
  /** Set by callbacks to end training after the current step, once `min_epochs` are done. */
  shouldStop = false
  readonly #interrupts = new Interrupts()
  #progress: Progress = START
  #run: Run | undefined
  #fitting = false
  #trainingBatches = 0
  readonly #evaluations: Evaluation[] = []

  constructor(config: TrainerConfigInput = {}, parts: TrainerParts = {}) {
    this.config = validateConfig(trainerConfigSchema, config, { source: 'trainer' })
    this.callbacks = [...(parts.callbacks ?? [])]
    this.runtime = parts.runtime ?? ort({ worker: true, threads: this.config.num_threads })
  }

  /** Optimiser steps done. */
  get globalStep(): number {
    return this.#progress.globalStep
  }

  /** Pass over the data, from 0. */
  get currentEpoch(): number {
    return this.#progress.epoch
  }

  /** Where the run stands. */
  get progress(): Progress {
    return this.#progress
  }

  /** Batches of one training epoch, limits applied. */
  get trainingBatches(): number {
    return this.#trainingBatches
  }

  /** Whether a signal has asked the running `fit` to stop. */
  get interrupted(): boolean {
    return this.#interrupts.received !== undefined
  }

  /** Batches that `fast_dev_run` allows, or 0 when it is off. */
  get #fastBatches(): number {
    return Number(this.config.fast_dev_run)
  }

  /** Epochs that the settings allow; Infinity for no limit. */
  get maxEpochs(): number {
    const { max_epochs, max_steps, max_time } = this.config
    if (this.#fastBatches > 0) return 1
    if (max_epochs !== null) return max_epochs < 0 ? Number.POSITIVE_INFINITY : max_epochs
    return (max_steps ?? -1) < 0 && max_time === null ? 1000 : Number.POSITIVE_INFINITY
  }

  /** Optimiser steps that the settings allow, or undefined if only callbacks or time can end training. */
  maxSteps(batchesPerEpoch: number): number | undefined {
    const byEpochs = this.maxEpochs * Math.ceil(batchesPerEpoch / this.config.accumulate_grad_batches)
    const steps = this.config.max_steps ?? -1
    const least = steps < 0 || this.#fastBatches > 0 ? byEpochs : Math.min(steps, byEpochs)
    return Number.isFinite(least) ? least : undefined
  }

  /**
   * Trains a model on its training data, validating in between.
   *
   * @param options.checkpoint - Checkpoint of a run to go on with. Default `resume_from_checkpoint`.
   * @throws TrainerError if the model has no data or no optimiser, or a step fails; NonFiniteLossError when the loss is
   * no number; RunCheckpointError for a checkpoint that cannot be gone on from.
   */
  async fit(model: Model, options: { readonly checkpoint?: string } = {}): Promise<FitResult> {
    const checkpoint = options.checkpoint ?? this.config.resume_from_checkpoint ?? undefined
    if (this.#fitting) throw new TrainerError('This trainer is fitting a model already.')
    this.#fitting = true
    this.#interrupts.start()
    try {
      await this.#start(model, checkpoint)
      await this.#call('onFitStart', model)
      if (checkpoint === undefined) await this.#sanityCheck(model)
      const status = await this.#epochs()
      if (status === 'interrupted') await this.#call('onInterrupt', model)
      await this.#call('onFitEnd', model)
      const { epoch, globalStep } = this.#progress
      return { status, metrics: { ...this.callbackMetrics }, epoch, globalStep }
    } catch (error) {
      await this.#tellOf(error, model)
      throw error
    } finally {
      this.#interrupts.stop()
      this.#fitting = false
      const run = this.#run
      this.#run = undefined
      await run?.program.dispose()
      await this.#disposeEvaluations()
    }
  }

  async #start(model: Model, checkpoint: string | undefined): Promise<void> {
    const loader = model.trainingLoader
    if (!loader)
      throw new TrainerError(
        `${model.constructor.name} has no training data; call setupTrainingData or give model.train_ds.`,
      )
    this.#trainingBatches = this.#countTrainingBatches(loader)
    if (this.#trainingBatches === 0)
      throw new TrainerError(
        'The training data has no batches. Is the manifest empty, were all samples filtered out, or is limit_train_batches 0?',
      )
    model.nameParameters()
    const maxSteps = this.maxSteps(this.#trainingBatches)
    const optimization = model.setupOptimization(undefined, maxSteps)
    const { accumulate_grad_batches, gradient_clip_val, gradient_clip_algorithm, max_time } = this.config
    const program = await TrainingProgram.build(model, optimization.optimizer, {
      runtime: this.runtime,
      ports: loader.outputTypes,
      accumulate: accumulate_grad_batches,
      clipValue: gradient_clip_val ?? 0,
      clipAlgorithm: gradient_clip_algorithm,
    })
    const deadline = max_time === null ? Number.POSITIVE_INFINITY : performance.now() + max_time * 1000
    this.#run = { model, loader, optimization, program, maxSteps, deadline }
    this.shouldStop = false
    this.#progress = START
    if (checkpoint !== undefined) await this.#resume(checkpoint)
  }

  #countTrainingBatches(loader: DataLoader): number {
    const { overfit_batches, limit_train_batches } = this.config
    if (this.#fastBatches > 0) return Math.min(this.#fastBatches, loader.length)
    // Overfitting to one batch is what 1 means here; all of them would be no overfitting.
    if (overfit_batches >= 1) return Math.min(overfit_batches, loader.length)
    return limitedBatches(overfit_batches || limit_train_batches, loader.length)
  }

  // Callbacks in the order in which their hooks run.
  #hooks(): readonly Callback[] {
    return [
      ...this.callbacks.filter((callback) => !callback.savesCheckpoints),
      ...this.callbacks.filter((callback) => callback.savesCheckpoints),
    ]
  }

  async #call(
    hook: 'onFitStart' | 'onTrainEpochStart' | 'onTrainEpochEnd' | 'onInterrupt' | 'onFitEnd',
    model: Model,
  ): Promise<void> {
    for (const callback of this.#hooks()) await callback[hook]?.(this, model)
  }

  async #tellOf(error: unknown, model: Model): Promise<void> {
    for (const callback of this.#hooks()) {
      try {
        await callback.onException?.(this, model, error)
      } catch (second) {
        // The first error is the one to report.
        getLogger('trainer').error(`${callback.constructor.name}.onException failed: ${String(second)}`)
      }
    }
  }

  async #epochs(): Promise<FitStatus> {
    const { model, loader, maxSteps } = this.#run!
    while (this.#progress.epoch < this.maxEpochs) {
      if (this.interrupted) return 'interrupted'
      // Between two epochs; in the middle of one, a validation may be due first.
      if (this.#progress.batch === 0) {
        if (this.#progress.globalStep >= (maxSteps ?? Number.POSITIVE_INFINITY)) return 'finished'
        if (this.shouldStop && this.#progress.epoch >= this.config.min_epochs) return 'stopped'
      }
      await this.#call('onTrainEpochStart', model)
      const ended = await this.#epoch()
      if (ended === 'interrupted') return ended
      await this.#call('onTrainEpochEnd', model)
      if (this.#progress.batch >= this.#trainingBatches)
        this.#progress = { ...this.#progress, epoch: this.#progress.epoch + 1, batch: 0 }
      await this.#sayProblems(loader)
      if (ended) return ended
    }
    return this.shouldStop ? 'stopped' : 'finished'
  }

  /** @returns why training ends, or undefined to go on with the next epoch. */
  async #epoch(): Promise<FitStatus | undefined> {
    const { loader } = this.#run!
    const start = this.#progress.batch
    const total = this.#trainingBatches
    const epoch = this.config.overfit_batches > 0 ? 0 : this.#progress.epoch
    let usable = 0
    // A resumed run makes up for what the checkpoint had no time for.
    const overdue = start > 0 ? await this.#afterBatch() : undefined
    if (overdue) return overdue
    for await (const { position, batch } of loader.epoch(epoch, start, total)) {
      if (batch) usable++
      await this.#trainBatch(position, batch)
      const ended = await this.#afterBatch()
      if (ended) return ended
    }
    if (usable === 0 && start === 0) {
      throw new TrainerError(
        `Not one sample of epoch ${epoch} could be used. ${(loader.dataset.problems?.() ?? []).join(' ')}`.trim(),
      )
    }
    return undefined
  }

  /** Validates where it is due. @returns why training ends here, if it does. */
  async #afterBatch(): Promise<FitStatus | undefined> {
    const { model, maxSteps, deadline } = this.#run!
    if (this.interrupted) return 'interrupted'
    if (this.#progress.validationDue && !(await this.#validateDuringFit(model))) return 'interrupted'
    if (this.interrupted) return 'interrupted'
    if (maxSteps !== undefined && this.#progress.globalStep >= maxSteps) return 'finished'
    if (performance.now() > deadline) this.shouldStop = true
    const completed = this.#progress.epoch + (this.#progress.batch >= this.#trainingBatches ? 1 : 0)
    return this.shouldStop && completed >= this.config.min_epochs ? 'stopped' : undefined
  }

  // One batch: the step, the place in the data, logs. A batch without usable samples still counts as a place.
  async #trainBatch(position: number, batch: Batch | undefined): Promise<void> {
    const { model, maxSteps } = this.#run!
    const last = position === this.#trainingBatches - 1
    const before = this.#progress
    const accumulated = before.accumulatedBatches + (batch ? 1 : 0)
    const applies = accumulated > 0 && (last || accumulated >= this.config.accumulate_grad_batches)
    let result: StepResult | undefined
    if (batch) result = await this.#step(batch, applies)
    else if (applies) await this.#applyGradients()
    const globalStep = before.globalStep + (applies ? 1 : 0)
    this.#progress = {
      epoch: before.epoch,
      batch: position + 1,
      globalStep,
      batchesDone: before.batchesDone + (batch ? 1 : 0),
      accumulatedBatches: applies ? 0 : accumulated,
      validationDue:
        this.#validationLoaders(model).length > 0 && (this.#validatesAfter(position) || globalStep === maxSteps),
    }
    if (!batch || !result) return
    await this.#logStep(batch, result, applies)
    for (const callback of this.#hooks()) await callback.onTrainBatchEnd?.(this, model, result, position)
  }

  #validatesAfter(position: number): boolean {
    const { val_check_interval, check_val_every_n_epoch } = this.config
    const total = this.#trainingBatches
    const share = this.#fastBatches > 0 ? 1 : val_check_interval
    const interval = Math.min(total, share <= 1 ? Math.max(1, Math.floor(total * share)) : share)
    return (this.#progress.epoch + 1) % check_val_every_n_epoch === 0 && (position + 1) % interval === 0
  }

  async #step(batch: Batch, applies: boolean): Promise<StepResult> {
    const { optimization, program } = this.#run!
    const { globalStep, batchesDone } = this.#progress
    const lr = optimization.scheduler.lr(globalStep)
    const { seed } = this.config
    const result = await this.#inContext(`Training step ${globalStep} (${this.#place(lr)})`, () =>
      program.run(batch, { lr, optimizerStep: globalStep, randomStep: batchesDone, seed, applies }),
    )
    this.#requireFinite('loss', result.loss, result.loss, lr)
    if (result.gradNorm !== undefined) this.#requireFinite('norm of the gradients', result.gradNorm, result.loss, lr)
    return result
  }

  async #applyGradients(): Promise<void> {
    const { optimization, program } = this.#run!
    const { globalStep } = this.#progress
    const lr = optimization.scheduler.lr(globalStep)
    const gradNorm = await this.#inContext(`Training step ${globalStep} (${this.#place(lr)})`, () =>
      program.applyGradients({ lr, optimizerStep: globalStep }),
    )
    this.#requireFinite('norm of the gradients', gradNorm, this.callbackMetrics.train_loss ?? Number.NaN, lr)
  }

  #requireFinite(what: string, value: number, loss: number, lr: number): void {
    if (!this.config.terminate_on_nan || Number.isFinite(value)) return
    const { globalStep } = this.#progress
    throw new NonFiniteLossError(
      globalStep,
      loss,
      `The ${what} is ${value} at step ${globalStep} (${this.#place(lr)}). The weights are spoilt; go on from the last checkpoint with a smaller learning rate, gradient clipping or cleaner data.`,
    )
  }

  #place(lr: number): string {
    return `epoch ${this.#progress.epoch}, batch ${this.#progress.batch}, learning rate ${lr.toPrecision(4)}`
  }

  async #inContext<T>(where: string, work: () => Promise<T>): Promise<T> {
    try {
      return await work()
    } catch (cause) {
      throw new TrainerError(`${where} failed: ${cause instanceof Error ? cause.message : String(cause)}`, { cause })
    }
  }

  async #logStep(batch: Batch, result: StepResult, applies: boolean): Promise<void> {
    const { model, optimization } = this.#run!
    this.callbackMetrics.train_loss = result.loss
    if (!applies || this.#progress.globalStep % this.config.log_every_n_steps !== 0) return
    const metrics: Record<string, number> = {
      train_loss: result.loss,
      learning_rate: optimization.scheduler.lr(this.#progress.globalStep - 1),
    }
    if (result.gradNorm !== undefined) metrics.grad_norm = result.gradNorm
    const accumulator = model.trainingMetrics()
    if (accumulator) {
      await accumulator.update(result.outputs, batch, this.runtime)
      for (const [name, value] of Object.entries(accumulator.compute())) metrics[`training_batch_${name}`] = value
    }
    await this.log(metrics)
  }

  /** Records metrics under the present step: for loggers, progress bars and callbacks that watch them. */
  async log(metrics: Metrics): Promise<void> {
    Object.assign(this.callbackMetrics, metrics)
    for (const callback of this.#hooks()) await callback.onLog?.(this, metrics, this.#progress.globalStep)
  }

  async #say(line: string): Promise<void> {
    const listeners = this.#hooks().filter((callback) => callback.onMessage)
    if (listeners.length === 0) getLogger('trainer').warning(line)
    for (const callback of listeners) await callback.onMessage?.(this, line)
  }

  /** Says what a data set left out, and why. */
  async #sayProblems(loader: DataLoader, set = ''): Promise<void> {
    for (const line of loader.dataset.problems?.() ?? []) await this.#say(set === '' ? line : `${set}: ${line}`)
  }

  // What `fit` validates on: nothing where limit_val_batches is 0, the training data when overfitting.
  #validationLoaders(model: Model): readonly NamedLoader[] {
    const { limit_val_batches, overfit_batches } = this.config
    const [first] = model.validationLoaders
    if (!first || limit_val_batches === 0) return []
    if (overfit_batches > 0 && this.#fastBatches === 0) return [{ name: first.name, loader: this.#run!.loader }]
    return model.validationLoaders
  }

  #evaluationBatches(loader: DataLoader, purpose: Purpose): number {
    if (this.#fastBatches > 0) return Math.min(this.#fastBatches, loader.length)
    if (loader === this.#run?.loader) return this.#trainingBatches
    const { limit_val_batches, limit_test_batches } = this.config
    return limitedBatches(purpose === 'test' ? limit_test_batches : limit_val_batches, loader.length)
  }

  async #sanityCheck(model: Model): Promise<void> {
    const { num_sanity_val_steps, overfit_batches } = this.config
    if (num_sanity_val_steps === 0 || overfit_batches > 0 || this.#fastBatches > 0) return
    const most = num_sanity_val_steps < 0 ? Number.POSITIVE_INFINITY : num_sanity_val_steps
    for (const named of this.#validationLoaders(model)) {
      const batches = Math.min(most, this.#evaluationBatches(named.loader, 'validation'))
      if (!(await this.#evaluate(model, named, 'validation', batches))) return
    }
  }

  /** @returns false if a signal cut the validation short; nothing is logged then. */
  async #validateDuringFit(model: Model): Promise<boolean> {
    const metrics = await this.#evaluateAll(model, this.#validationLoaders(model), 'validation')
    if (!metrics) return false
    this.#progress = { ...this.#progress, validationDue: false }
    await this.log(metrics)
    for (const callback of this.#hooks()) await callback.onValidationEnd?.(this, model, metrics)
    return true
  }

  /**
   * Evaluates the validation sets. Metrics are named `val_loss`, `val_wer`; with several sets each also has its own,
   * such as `dev_other_val_loss`.
   */
  async validate(model: Model): Promise<Metrics> {
    return this.#evaluateAlone(model, model.validationLoaders, 'validation')
  }

  /** Evaluates the test sets; metrics are named `test_loss` and so on. */
  async test(model: Model): Promise<Metrics> {
    return this.#evaluateAlone(model, model.testLoaders, 'test')
  }

  async #evaluateAlone(model: Model, loaders: readonly NamedLoader[], purpose: Purpose): Promise<Metrics> {
    if (loaders.length === 0) throw new TrainerError(`${model.constructor.name} has no ${purpose} data.`)
    model.nameParameters()
    try {
      const metrics = (await this.#evaluateAll(model, loaders, purpose)) ?? {}
      Object.assign(this.callbackMetrics, metrics)
      return metrics
    } finally {
      if (!this.#run) await this.#disposeEvaluations()
    }
  }

  async #evaluateAll(model: Model, loaders: readonly NamedLoader[], purpose: Purpose): Promise<Metrics | undefined> {
    const prefix = purpose === 'validation' ? 'val' : 'test'
    const metrics: Record<string, number> = {}
    const batches = loaders.map(({ loader }) => this.#evaluationBatches(loader, purpose))
    const all = batches.reduce((total, count) => total + count, 0)
    for (const callback of this.#hooks()) await callback.onValidationStart?.(this, model, all)
    let done = 0
    for (const [i, named] of loaders.entries()) {
      const values = await this.#evaluate(model, named, purpose, batches[i]!, async () => {
        for (const callback of this.#hooks()) await callback.onValidationBatchEnd?.(this, model, done)
        done++
      })
      if (!values) return undefined
      for (const [key, value] of Object.entries(values)) {
        // The first set, or the one that val_dl_idx names, is what `val_loss` means; NeMo names all sets when there are several.
        if (named.main ?? i === 0) metrics[`${prefix}_${key}`] = value
        if (loaders.length > 1) metrics[`${named.name}_${prefix}_${key}`] = value
      }
    }
    return metrics
  }

  /** @returns undefined if a signal came meanwhile. */
  async #evaluate(
    model: Model,
    { name, loader }: NamedLoader,
    purpose: Purpose,
    batches: number,
    afterBatch?: () => Promise<void>,
  ): Promise<Metrics | undefined> {
    const program = await this.#evaluationProgram(model, loader.outputTypes, purpose)
    const accumulator = model.validationMetrics()
    for await (const { position, batch } of loader.epoch(0, 0, batches)) {
      if (batch) {
        const outputs = await this.#inContext(`${purpose} batch ${position} of ${name}`, () => program.run(batch))
        accumulator.update(outputs, batch)
      }
      await afterBatch?.()
      if (this.interrupted) return undefined
    }
    // The training data's are said at the end of its epoch.
    if (loader !== this.#run?.loader) await this.#sayProblems(loader, name)
    return accumulator.compute()
  }

  async #evaluationProgram(model: Model, ports: PortTypes, purpose: Purpose): Promise<EvaluationProgram> {
    const made = this.#evaluations.find(
      (evaluation) => evaluation.model === model && evaluation.ports === ports && evaluation.purpose === purpose,
    )
    if (made) return made.program
    const step = purpose === 'test' ? model.testStep.bind(model) : model.validationStep.bind(model)
    const program = await EvaluationProgram.build(model, step, { runtime: this.runtime, ports })
    this.#evaluations.push({ model, ports, purpose, program })
    return program
  }

  async #disposeEvaluations(): Promise<void> {
    for (const { program } of this.#evaluations.splice(0)) await program.dispose()
  }

  /**
   * Writes everything needed to go on from here bit for bit; for callbacks, between two steps of `fit`.
   *
   * @throws TrainerError outside `fit`.
   */
  async saveCheckpoint(path: string): Promise<void> {
    const { model, optimization, program } = this.#requireRun()
    await saveRunCheckpoint(path, model, optimization.optimizer, program.accumulators, {
      progress: this.#progress,
      trainingBatches: this.#trainingBatches,
      seed: this.config.seed,
      metrics: this.callbackMetrics,
      callbacks: this.#callbackStates(),
    })
  }

  async #resume(path: string): Promise<void> {
    const { model, optimization, program } = this.#requireRun()
    const state = await loadRunCheckpoint(path, model, optimization.optimizer, program.accumulators, {
      seed: this.config.seed,
    })
    const { epoch, batch } = state.progress
    if (batch > 0 && batch < state.trainingBatches && state.trainingBatches !== this.#trainingBatches) {
      throw new RunCheckpointError(
        path,
        `the run stood at batch ${batch} of ${state.trainingBatches} in epoch ${epoch}, but an epoch now has ${this.#trainingBatches} batches. Use the same data, batch size and limits, or a checkpoint from the end of an epoch.`,
      )
    }
    // At the end of an epoch, whatever an epoch was.
    this.#progress =
      batch >= state.trainingBatches ? { ...state.progress, batch: this.#trainingBatches } : state.progress
    Object.assign(this.callbackMetrics, state.metrics)
    for (const [name, callback] of this.#namedCallbacks()) {
      const saved = state.callbacks[name]
      if (saved) callback.loadState?.(saved)
    }
  }

  // Class names, numbered where there are several of a class: what else is in the list must not matter.
  #namedCallbacks(): [string, Callback][] {
    const seen = new Map<string, number>()
    return this.callbacks.map((callback) => {
      const type = callback.constructor.name
      const count = (seen.get(type) ?? 0) + 1
      seen.set(type, count)
      return [count === 1 ? type : `${type}.${count}`, callback]
    })
  }

  #callbackStates(): CallbackStates {
    const entries = this.#namedCallbacks().map(([name, callback]) => [name, callback.state?.()] as const)
    return Object.fromEntries(entries.filter(([, state]) => state !== undefined)) as CallbackStates
  }

  #requireRun(): Run {
    if (!this.#run)
      throw new TrainerError(
        'Checkpoints of a run can be written only while fit is running. Use model.saveTo for the model itself.',
      )
    return this.#run
  }

  /** Learning rate of the present step, while fitting. */
  get learningRate(): number | undefined {
    return this.#run?.optimization.scheduler.lr(this.#progress.globalStep)
  }

  /** Frees the runtime; weights come home to the model. */
  dispose(): Promise<void> {
    return this.runtime.dispose()
  }
}
