import { ort, type Runtime } from '@nemo/graph'
import { validateConfig } from '../config/validateConfig.js'
import type { DataLoader } from '../data/dataLoader.js'
import type { Batch } from '../data/dataset.js'
import type { Model, NamedLoader, Optimization } from '../models/model.js'
import type { Callback, Metrics } from './callback.js'
import { NonFiniteLossError, TrainerError } from './errors.js'
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

/** How a run ended. */
export type FitStatus = 'finished' | 'stopped' | 'interrupted'

// What `fit` works on.
interface Run {
  readonly model: Model
  readonly optimization: Optimization
  readonly program: TrainingProgram
}

/** Outcome of `fit`. */
export interface FitResult {
  readonly status: FitStatus
  readonly metrics: Metrics
  readonly epoch: number
  readonly globalStep: number
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
  /** Set by callbacks to end training after the current step. */
  shouldStop = false
  readonly #interrupts = new Interrupts()
  #progress: Progress = { epoch: 0, batch: 0, globalStep: 0, batchesDone: 0 }
  #run: Run | undefined
  #totalBatches = 0
  #evaluations = new Map<object, EvaluationProgram>()

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
    return this.#totalBatches
  }

  /** Optimiser steps that the settings allow, or undefined if only the epochs and the data decide. */
  maxSteps(batchesPerEpoch: number): number | undefined {
    const { max_steps, max_epochs, accumulate_grad_batches } = this.config
    const byEpochs = max_epochs === null ? undefined : max_epochs * Math.ceil(batchesPerEpoch / accumulate_grad_batches)
    if (max_steps === null || max_steps < 0) return byEpochs
    return byEpochs === undefined ? max_steps : Math.min(max_steps, byEpochs)
  }

  /**
   * Trains a model on its training data, validating in between.
   *
   * @param options.checkpoint - Checkpoint of a run to go on with.
   * @throws TrainerError if the model has no data or no optimiser; NonFiniteLossError when the loss is no number.
   */
  async fit(model: Model, options: { readonly checkpoint?: string } = {}): Promise<FitResult> {
    const loader = model.trainingLoader
    if (!loader)
      throw new TrainerError(
        `${model.constructor.name} has no training data; call setupTrainingData or give model.train_ds.`,
      )
    model.nameParameters()
    const fast = this.config.fast_dev_run === true ? 1 : Number(this.config.fast_dev_run)
    this.#totalBatches =
      fast || limitedBatches(this.config.overfit_batches || this.config.limit_train_batches, loader.length)
    if (this.#totalBatches === 0)
      throw new TrainerError(
        'The training data has no batches. Is the manifest empty, or were all samples filtered out?',
      )
    const maxSteps = fast || this.maxSteps(this.#totalBatches)
    const optimization = model.setupOptimization(undefined, maxSteps)
    const program = await TrainingProgram.build(model, optimization.optimizer, {
      runtime: this.runtime,
      ports: loader.outputTypes,
      accumulate: this.config.accumulate_grad_batches,
      clipValue: this.config.gradient_clip_val ?? 0,
      clipAlgorithm: this.config.gradient_clip_algorithm,
    })
    this.#run = { model, optimization, program }
    this.shouldStop = false
    this.#progress = { epoch: 0, batch: 0, globalStep: 0, batchesDone: 0 }
    if (options.checkpoint !== undefined) await this.#resume(options.checkpoint)
    this.#interrupts.start()
    const started = Date.now()
    try {
      await this.#call('onFitStart', model)
      if (options.checkpoint === undefined && !fast) await this.#sanityCheck(model)
      const status = await this.#epochs(loader, maxSteps, started)
      if (status === 'interrupted') await this.#call('onInterrupt', model)
      await this.#call('onFitEnd', model)
      return {
        status,
        metrics: { ...this.callbackMetrics },
        epoch: this.#progress.epoch,
        globalStep: this.#progress.globalStep,
      }
    } catch (error) {
      for (const callback of this.callbacks) await callback.onException?.(this, model, error)
      throw error
    } finally {
      this.#interrupts.stop()
      await program.dispose()
      await this.#disposeEvaluations()
      this.#run = undefined
    }
  }

  async #epochs(loader: DataLoader, maxSteps: number | undefined, started: number): Promise<FitStatus> {
    const { model } = this.#run!
    const { max_epochs, min_epochs, max_time, fast_dev_run } = this.config
    const lastEpoch = fast_dev_run ? 1 : (max_epochs ?? Number.POSITIVE_INFINITY)
    while (this.#progress.epoch < lastEpoch) {
      await this.#call('onTrainEpochStart', model)
      const ended = await this.#epoch(loader, maxSteps, started)
      if (ended === 'interrupted' || ended === 'stopped') {
        if (ended === 'interrupted' || this.#progress.epoch + 1 >= min_epochs) return ended
      }
      await this.#call('onTrainEpochEnd', model)
      this.#progress = { ...this.#progress, epoch: this.#progress.epoch + 1, batch: 0 }
      for (const line of loader.dataset.problems?.() ?? []) await this.#say(line)
      if (ended === 'limit') return 'finished'
      if (this.shouldStop && this.#progress.epoch >= min_epochs) return 'stopped'
      if (max_time !== null && Date.now() - started > max_time * 1000) return 'finished'
    }
    return 'finished'
  }

  async #epoch(
    loader: DataLoader,
    maxSteps: number | undefined,
    started: number,
  ): Promise<'done' | 'limit' | FitStatus> {
    const { model } = this.#run!
    const { accumulate_grad_batches, val_check_interval, check_val_every_n_epoch, overfit_batches, max_time } =
      this.config
    const total = this.#totalBatches
    // A number up to 1 is a share of the epoch, above that a number of batches; never later than the epoch's end.
    const interval =
      val_check_interval <= 1 ? Math.max(1, Math.floor(total * val_check_interval)) : Math.round(val_check_interval)
    const epoch = overfit_batches > 0 ? 0 : this.#progress.epoch
    if (maxSteps !== undefined && this.#progress.globalStep >= maxSteps) return 'limit'
    for await (const { position, batch } of loader.epoch(epoch, this.#progress.batch)) {
      if (position >= total) break
      const last = position === total - 1
      const applies = (position + 1) % accumulate_grad_batches === 0 || last
      const result = await this.#trainBatch(batch, applies)
      this.#progress = {
        ...this.#progress,
        batch: position + 1,
        globalStep: this.#progress.globalStep + (applies ? 1 : 0),
        batchesDone: this.#progress.batchesDone + 1,
      }
      await this.#logStep(batch, result, applies)
      for (const callback of this.callbacks) await callback.onTrainBatchEnd?.(this, model, result, position)
      const reached = maxSteps !== undefined && this.#progress.globalStep >= maxSteps
      const validates =
        (this.#progress.epoch + 1) % check_val_every_n_epoch === 0 &&
        ((position + 1) % interval === 0 || (interval >= total && last))
      if (validates && model.validationLoaders.length > 0) await this.#validateDuringFit(model)
      if (this.#interrupts.received) return 'interrupted'
      if (reached) {
        if (!validates && model.validationLoaders.length > 0) await this.#validateDuringFit(model)
        return 'limit'
      }
      if (this.shouldStop) return 'stopped'
      if (max_time !== null && Date.now() - started > max_time * 1000) return 'limit'
      if (last) break
    }
    return 'done'
  }

  async #trainBatch(batch: Batch, applies: boolean): Promise<StepResult> {
    const { optimization, program } = this.#run!
    const { globalStep, batchesDone } = this.#progress
    const lr = optimization.scheduler.lr(globalStep)
    const result = await program.run(batch, {
      lr,
      optimizerStep: globalStep,
      randomStep: batchesDone,
      seed: this.config.seed,
      applies,
    })
    if (this.config.terminate_on_nan && !Number.isFinite(result.loss)) {
      throw new NonFiniteLossError(
        globalStep,
        result.loss,
        `The loss is ${result.loss} at step ${globalStep} (epoch ${this.#progress.epoch}, batch ${this.#progress.batch}, learning rate ${lr.toPrecision(4)}). The weights are spoilt; go on from the last checkpoint with a smaller learning rate, gradient clipping or cleaner data.`,
      )
    }
    return result
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
      accumulator.update(result.outputs, batch)
      for (const [name, value] of Object.entries(accumulator.compute())) metrics[`training_batch_${name}`] = value
    }
    await this.log(metrics)
  }

  /** Records metrics under the present step: for loggers, progress bars and callbacks that watch them. */
  async log(metrics: Metrics): Promise<void> {
    Object.assign(this.callbackMetrics, metrics)
    for (const callback of this.callbacks) await callback.onLog?.(this, metrics, this.#progress.globalStep)
  }

  async #say(line: string): Promise<void> {
    for (const callback of this.callbacks) await callback.onMessage?.(this, line)
  }

  async #sanityCheck(model: Model): Promise<void> {
    const { num_sanity_val_steps } = this.config
    if (num_sanity_val_steps === 0) return
    for (const { loader } of model.validationLoaders) {
      await this.#evaluate(model, loader, 'validation', num_sanity_val_steps < 0 ? loader.length : num_sanity_val_steps)
    }
  }

  async #validateDuringFit(model: Model): Promise<void> {
    const metrics = await this.#evaluateAll(model, model.validationLoaders, 'validation', this.config.limit_val_batches)
    await this.log(metrics)
    for (const callback of this.callbacks) await callback.onValidationEnd?.(this, model, metrics)
  }

  /** Evaluates the validation sets. Metrics are named `val_loss`, `val_wer`; further sets have their name in front. */
  async validate(model: Model): Promise<Metrics> {
    return this.#evaluateAlone(model, model.validationLoaders, 'validation', this.config.limit_val_batches)
  }

  /** Evaluates the test sets. */
  async test(model: Model): Promise<Metrics> {
    return this.#evaluateAlone(model, model.testLoaders, 'test', this.config.limit_test_batches)
  }

  async #evaluateAlone(
    model: Model,
    loaders: readonly NamedLoader[],
    purpose: 'validation' | 'test',
    limit: number,
  ): Promise<Metrics> {
    if (loaders.length === 0) throw new TrainerError(`${model.constructor.name} has no ${purpose} data.`)
    model.nameParameters()
    try {
      const metrics = await this.#evaluateAll(model, loaders, purpose, limit)
      Object.assign(this.callbackMetrics, metrics)
      return metrics
    } finally {
      await this.#disposeEvaluations()
    }
  }

  async #evaluateAll(
    model: Model,
    loaders: readonly NamedLoader[],
    purpose: 'validation' | 'test',
    limit: number,
  ): Promise<Metrics> {
    const prefix = purpose === 'validation' ? 'val' : 'test'
    const metrics: Record<string, number> = {}
    for (const callback of this.callbacks) {
      await callback.onValidationStart?.(
        this,
        model,
        loaders.reduce((n, { loader }) => n + limitedBatches(limit, loader.length), 0),
      )
    }
    for (const [i, { name, loader }] of loaders.entries()) {
      const values = await this.#evaluate(
        model,
        loader,
        purpose,
        this.config.fast_dev_run ? 1 : limitedBatches(limit, loader.length),
      )
      for (const [key, value] of Object.entries(values)) {
        // The first set is what `val_loss` means; NeMo names all sets when there are several.
        if (i === 0) metrics[`${prefix}_${key}`] = value
        if (loaders.length > 1) metrics[`${name}_${prefix}_${key}`] = value
      }
    }
    return metrics
  }

  async #evaluate(model: Model, loader: DataLoader, purpose: 'validation' | 'test', batches: number): Promise<Metrics> {
    let program = this.#evaluations.get(loader)
    if (!program) {
      const step = purpose === 'test' ? model.testStep.bind(model) : model.validationStep.bind(model)
      program = await EvaluationProgram.build(model, step, { runtime: this.runtime, ports: loader.outputTypes })
      this.#evaluations.set(loader, program)
    }
    const accumulator = model.validationMetrics()
    for await (const { position, batch } of loader.epoch(0)) {
      if (position >= batches) break
      accumulator.update(await program.run(batch), batch)
      for (const callback of this.callbacks) await callback.onValidationBatchEnd?.(this, model, position)
      if (this.#interrupts.received) break
      if (position === batches - 1) break
    }
    return accumulator.compute()
  }

  async #disposeEvaluations(): Promise<void> {
    for (const program of this.#evaluations.values()) await program.dispose()
    this.#evaluations.clear()
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
      seed: this.config.seed,
      callbacks: this.#callbackStates(),
    })
  }

  async #resume(path: string): Promise<void> {
    const { model, optimization, program } = this.#requireRun()
    const state = await loadRunCheckpoint(path, model, optimization.optimizer, program.accumulators)
    if (state.seed !== this.config.seed) {
      throw new TrainerError(
        `${path}: the run had seed ${state.seed}, the trainer has ${this.config.seed}. Resume with the same seed.`,
      )
    }
    this.#progress = state.progress
    // A checkpoint written at the very end of an epoch goes on with the next one.
    if (state.progress.batch >= this.#totalBatches)
      this.#progress = { ...state.progress, epoch: state.progress.epoch + 1, batch: 0 }
    this.callbacks.forEach((callback, i) => {
      const saved = state.callbacks[`${callback.constructor.name}.${i}`]
      if (saved) callback.loadState?.(saved)
    })
  }

  #callbackStates(): CallbackStates {
    const entries = this.callbacks.map(
      (callback, i) => [`${callback.constructor.name}.${i}`, callback.state?.()] as const,
    )
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

  async #call(
    hook: 'onFitStart' | 'onTrainEpochStart' | 'onTrainEpochEnd' | 'onInterrupt' | 'onFitEnd',
    model: Model,
  ): Promise<void> {
    for (const callback of this.callbacks) await callback[hook]?.(this, model)
  }

  /** Frees the runtime; weights come home to the model. */
  dispose(): Promise<void> {
    return this.runtime.dispose()
  }
}
