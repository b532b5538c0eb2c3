import type { Runtime, TensorData } from '@nemo/graph'
import { validateConfig } from '../config/validateConfig.js'
import type { DataLoader } from '../data/dataLoader.js'
import type { Batch } from '../data/dataset.js'
import type { Model, NamedLoader } from '../models/model.js'
import type { Optimization } from '../optimizers/parameterGroups.js'
import { acceleratorRuntime } from './acceleratorRuntime.js'
import { type Anomaly, describeAnomaly } from './anomaly.js'
import type { Callback, Metrics } from './callback.js'
import { CallbackList } from './callbackList.js'
import { durationSeconds } from './duration.js'
import { AnomalyError, inContext, NonFiniteLossError, RunCheckpointError, TrainerError } from './errors.js'
import { EvaluationLoop, type Purpose } from './evaluationLoop.js'
import { Interrupts } from './interrupts.js'
import { opPrefix, type ProfileFiles, temporaryProfile } from './profiler/opProfile.js'
import { Profiler } from './profiler/profiler.js'
import { TRAINING_STEP, writeProfile } from './profiler/writeProfile.js'
import { loadRunCheckpoint, type Progress, saveRunCheckpoint, saveWeights } from './runCheckpoint.js'
import { limitedBatches, type TrainerConfig, type TrainerConfigInput, trainerConfigSchema } from './trainerConfig.js'
import { type StepResult, TrainingProgram } from './trainingProgram.js'
import { type TuneResult, tune } from './tuner/tune.js'
import type { WeightAverage } from './weightAverage.js'

/** What a trainer takes besides its settings. */
export interface TrainerParts {
  readonly callbacks?: readonly Callback[]
  /** Default: what `accelerator` names; ONNX Runtime in a worker thread, so that signals and progress bars stay alive. */
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

/** Outcome of `fit`. */
export interface FitResult {
  readonly status: FitStatus
  /** Newest value of everything that was logged. */
  readonly metrics: Metrics
  /** Epochs completed. */
  readonly epoch: number
  readonly globalStep: number
}

/** What a model made of one batch. */
export interface Prediction {
  /** The tensors of `predictStep`, by name. */
  readonly outputs: Readonly<Record<string, TensorData>>
  /** What the dataset says of the batch's samples, in the order of the batch axis. */
  readonly samples: Batch['samples']
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
 * Trains, validates and tests models, and predicts with them. Settings are Lightning's; see `trainerConfigSchema`.
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
  /** Set by callbacks to end training after the current step, once `min_epochs` and `min_steps` are done. */
  shouldStop = false
  readonly #callbacks = new CallbackList(this)
  readonly #interrupts = new Interrupts()
  readonly #evaluation: EvaluationLoop
  #profiler: Profiler | undefined
  #progress: Progress = START
  #run: Run | undefined
  #fitting = false
  #trainingBatches = 0

  constructor(config: TrainerConfigInput = {}, parts: TrainerParts = {}) {
    this.config = validateConfig(trainerConfigSchema, config, { source: 'trainer' })
    this.callbacks = [...(parts.callbacks ?? [])]
    this.runtime = parts.runtime ?? acceleratorRuntime(this.config)
    this.#evaluation = new EvaluationLoop(this.runtime)
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
    const { profiler } = this.config
    this.#profiler = profiler === null ? undefined : new Profiler()
    let ops: ProfileFiles | undefined
    try {
      if (profiler === 'advanced') ops = await temporaryProfile(this.runtime)
      await this.#start(model, checkpoint, ops && opPrefix(ops))
      await this.#callbacks.call('onFitStart', model)
      if (checkpoint === undefined) await this.#sanityCheck(model)
      const status = await this.#epochs()
      if (status === 'interrupted') await this.#callbacks.call('onInterrupt', model)
      await this.#callbacks.call('onFitEnd', model)
      const { epoch, globalStep } = this.#progress
      return { status, metrics: { ...this.callbackMetrics }, epoch, globalStep }
    } catch (error) {
      await this.#callbacks.tellOf(error, model)
      throw error
    } finally {
      this.#interrupts.stop()
      this.#fitting = false
      const run = this.#run
      this.#run = undefined
      await run?.program.dispose()
      await this.#evaluation.dispose()
      // Worker threads of data end with the run; the next one starts new ones.
      await run?.loader.close()
      for (const { loader } of model.validationLoaders) await loader.close()
      if (this.#profiler) await writeProfile(this.#profiler, this.config.default_root_dir ?? '.', ops)
    }
  }

  async #start(model: Model, checkpoint: string | undefined, profilePrefix: string | undefined): Promise<void> {
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
    const { max_time } = this.config
    const program = await TrainingProgram.build(model, optimization, {
      ...this.#stepSettings(),
      ports: loader.outputTypes,
      maxSteps,
      average: this.#callbacks.weightAverage(),
      profilePrefix,
    })
    const seconds = max_time === null ? Number.POSITIVE_INFINITY : durationSeconds(max_time, 'trainer.max_time')
    const deadline = performance.now() + seconds * 1000
    this.#run = { model, loader, optimization, program, maxSteps, deadline }
    this.shouldStop = false
    this.#progress = START
    if (checkpoint !== undefined) await this.#resume(checkpoint)
    const { globalStep } = this.#progress
    if (globalStep < (maxSteps ?? Number.POSITIVE_INFINITY)) await program.prepare(globalStep)
  }

  // What fit and the searches of tune have in common.
  #stepSettings() {
    const { accumulate_grad_batches, gradient_clip_val, gradient_clip_algorithm, detect_anomaly } = this.config
    return {
      runtime: this.runtime,
      accumulate: accumulate_grad_batches,
      clipValue: gradient_clip_val ?? 0,
      clipAlgorithm: gradient_clip_algorithm,
      detectAnomaly: detect_anomaly,
    }
  }

  /**
   * Looks for the largest batch size that fits into memory and for a good learning rate, where `auto_scale_batch_size`
   * and `auto_lr_find` want it. They are written into the model's config, `train_ds.batch_size` and `optim.lr`; the
   * weights stay as they are. Lightning's `tune`.
   *
   * @throws TrainerError if the model has no training data, or the loss gives no hint of a learning rate.
   */
  tune(model: Model): Promise<TuneResult> {
    return tune(model, this.config, { ...this.#stepSettings(), seed: this.config.seed })
  }

  /** Does some work of a run; where `profiler` is set, it is measured under the action's name. */
  async profile<T>(action: string, work: () => T | Promise<T>): Promise<T> {
    return this.#profiler ? this.#profiler.profile(action, work) : work()
  }

  #countTrainingBatches(loader: DataLoader): number {
    const { overfit_batches, limit_train_batches } = this.config
    if (this.#fastBatches > 0) return Math.min(this.#fastBatches, loader.length)
    // Overfitting to one batch is what 1 means here; all of them would be no overfitting.
    if (overfit_batches >= 1) return Math.min(overfit_batches, loader.length)
    return limitedBatches(overfit_batches || limit_train_batches, loader.length)
  }

  async #epochs(): Promise<FitStatus> {
    const { model, loader, maxSteps } = this.#run!
    while (this.#progress.epoch < this.maxEpochs) {
      if (this.interrupted) return 'interrupted'
      // Between two epochs; in the middle of one, a validation may be due first.
      if (this.#progress.batch === 0) {
        if (this.#progress.globalStep >= (maxSteps ?? Number.POSITIVE_INFINITY)) return 'finished'
        if (this.shouldStop && this.#mayStop(this.#progress.epoch)) return 'stopped'
      }
      await this.#callbacks.call('onTrainEpochStart', model)
      const ended = await this.#epoch()
      if (ended === 'interrupted') return ended
      await this.#callbacks.call('onTrainEpochEnd', model)
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
    const batches = loader.epoch(epoch, start, total)
    const timed = this.#profiler ? this.#profiler.profileIterable('get_train_batch', batches) : batches
    for await (const { position, batch } of timed) {
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
    return this.shouldStop && this.#mayStop(completed) ? 'stopped' : undefined
  }

  #mayStop(epochsDone: number): boolean {
    const { min_epochs, min_steps } = this.config
    return epochsDone >= min_epochs && this.#progress.globalStep >= (min_steps ?? 0)
  }

  // One batch: the step, the place in the data, logs. A batch without usable samples still counts as a place.
  async #trainBatch(position: number, batch: Batch | undefined): Promise<void> {
    const { model, maxSteps } = this.#run!
    const last = position === this.#trainingBatches - 1
    const before = this.#progress
    const accumulated = before.accumulatedBatches + (batch ? 1 : 0)
    const applies = accumulated > 0 && (last || accumulated >= this.config.accumulate_grad_batches)
    let result: StepResult | undefined
    if (batch) {
      await this.#callbacks.call('onTrainBatchStart', model, position)
      result = await this.#step(batch, applies)
    } else if (applies) await this.#applyGradients()
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
    await this.#callbacks.call('onTrainBatchEnd', model, result, position)
  }

  #validatesAfter(position: number): boolean {
    const { val_check_interval, check_val_every_n_epoch } = this.config
    const total = this.#trainingBatches
    const share = this.#fastBatches > 0 ? 1 : val_check_interval
    const interval = Math.min(total, share <= 1 ? Math.max(1, Math.floor(total * share)) : share)
    return (this.#progress.epoch + 1) % check_val_every_n_epoch === 0 && (position + 1) % interval === 0
  }

  async #step(batch: Batch, applies: boolean): Promise<StepResult> {
    const { program } = this.#run!
    const { globalStep: optimizerStep, batchesDone: randomStep } = this.#progress
    const moment = { optimizerStep, randomStep, seed: this.config.seed, applies }
    const result = await inContext(`Training step ${optimizerStep} (${this.#place()})`, () =>
      this.profile(TRAINING_STEP, () => program.run(batch, moment)),
    )
    this.#requireSound(result.anomaly)
    this.#requireFinite('loss', result.loss, result.loss)
    if (result.gradNorm !== undefined) this.#requireFinite('norm of the gradients', result.gradNorm, result.loss)
    return result
  }

  async #applyGradients(): Promise<void> {
    const { globalStep } = this.#progress
    const { gradNorm, anomaly } = await inContext(`Training step ${globalStep} (${this.#place()})`, () =>
      this.#run!.program.applyGradients(globalStep),
    )
    this.#requireSound(anomaly)
    this.#requireFinite('norm of the gradients', gradNorm, this.callbackMetrics.train_loss ?? Number.NaN)
  }

  #requireSound(anomaly: Anomaly | undefined): void {
    if (!anomaly) return
    const { globalStep } = this.#progress
    throw new AnomalyError(
      globalStep,
      anomaly,
      `Training step ${globalStep} (${this.#place()}) is no longer sound. ${describeAnomaly(anomaly)} The weights are those before the step.`,
    )
  }

  #requireFinite(what: string, value: number, loss: number): void {
    if (!this.config.terminate_on_nan || Number.isFinite(value)) return
    const { globalStep } = this.#progress
    throw new NonFiniteLossError(
      globalStep,
      loss,
      `The ${what} is ${value} at step ${globalStep} (${this.#place()}). The weights are spoilt; go on from the last checkpoint with a smaller learning rate, gradient clipping or cleaner data.`,
    )
  }

  #place(): string {
    const { epoch, batch } = this.#progress
    return `epoch ${epoch}, batch ${batch}, learning rate ${this.learningRate!.toPrecision(4)}`
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
    await this.#callbacks.call('onLog', metrics, this.#progress.globalStep)
  }

  /** Says what a data set left out, and why. */
  async #sayProblems(loader: DataLoader, set = ''): Promise<void> {
    for (const line of loader.dataset.problems?.() ?? [])
      await this.#callbacks.say(set === '' ? line : `${set}: ${line}`)
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
    const { limit_val_batches, limit_test_batches, limit_predict_batches } = this.config
    const limits = { validation: limit_val_batches, test: limit_test_batches, predict: limit_predict_batches }
    return limitedBatches(limits[purpose], loader.length)
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
    const loaders = this.#validationLoaders(model)
    const metrics = await this.profile('run_validation', () => this.#evaluateAll(model, loaders, 'validation'))
    if (!metrics) return false
    this.#progress = { ...this.#progress, validationDue: false }
    await this.log(metrics)
    await this.#callbacks.call('onValidationEnd', model, metrics)
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

  async #evaluateAlone(
    model: Model,
    loaders: readonly NamedLoader[],
    purpose: 'validation' | 'test',
  ): Promise<Metrics> {
    if (loaders.length === 0) throw new TrainerError(`${model.constructor.name} has no ${purpose} data.`)
    return this.#evaluatingAlone(model, async () => {
      try {
        const metrics = (await this.#evaluateAll(model, loaders, purpose)) ?? {}
        Object.assign(this.callbackMetrics, metrics)
        return metrics
      } finally {
        if (!this.#run) for (const { loader } of loaders) await loader.close()
      }
    })
  }

  /**
   * Runs a model's `predictStep` over data.
   *
   * @returns one entry per batch, in order; batches of which all samples were left out have none.
   */
  async predict(model: Model, loader: DataLoader): Promise<Prediction[]> {
    const batches = this.#evaluationBatches(loader, 'predict')
    return this.#evaluatingAlone(model, async () => {
      const predictions: Prediction[] = []
      await this.#callbacks.call('onPredictStart', model, batches)
      const data = { set: 'the data', loader, batches }
      for await (const { position, batch, outputs } of this.#evaluation.run(model, data, 'predict', this.#averages)) {
        if (batch) predictions.push({ outputs, samples: batch.samples })
        await this.#callbacks.call('onPredictBatchEnd', model, position)
      }
      return predictions
    })
  }

  /** Runs `work` while the model holds the averages of its weights, if a callback keeps some. */
  withAveragedWeights<T>(work: () => Promise<T>): Promise<T> {
    return this.#callbacks.weightAverage()?.whileApplied(work) ?? work()
  }

  async #evaluatingAlone<T>(model: Model, work: () => Promise<T>): Promise<T> {
    model.nameParameters()
    try {
      return await work()
    } finally {
      if (!this.#run) await this.#evaluation.dispose()
    }
  }

  /** Whether evaluations read averages in place of weights. */
  get evaluatesAverages(): boolean {
    return this.#averages !== undefined
  }

  // What evaluations read in place of weights.
  get #averages(): WeightAverage['averages'] | undefined {
    const average = this.#callbacks.weightAverage()
    return average?.evaluates ? average.averages : undefined
  }

  async #evaluateAll(
    model: Model,
    loaders: readonly NamedLoader[],
    purpose: 'validation' | 'test',
  ): Promise<Metrics | undefined> {
    const prefix = purpose === 'validation' ? 'val' : 'test'
    const metrics: Record<string, number> = {}
    const batches = loaders.map(({ loader }) => this.#evaluationBatches(loader, purpose))
    const all = batches.reduce((total, count) => total + count, 0)
    await this.#callbacks.call('onValidationStart', model, all)
    let done = 0
    for (const [i, named] of loaders.entries()) {
      const values = await this.#evaluate(model, named, purpose, batches[i]!, async () => {
        await this.#callbacks.call('onValidationBatchEnd', model, done)
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
    const accumulator = model.validationMetrics()
    const data = { set: name, loader, batches }
    for await (const { batch, outputs } of this.#evaluation.run(model, data, purpose, this.#averages)) {
      if (batch) await accumulator.update(outputs, batch, this.runtime)
      await afterBatch?.()
      if (this.interrupted) return undefined
    }
    if (loader !== this.#run?.loader) await this.#sayProblems(loader, name)
    return accumulator.compute()
  }

  /**
   * Writes everything needed to go on from here bit for bit; for callbacks, between two steps of `fit`.
   *
   * @param options.weightsOnly - Leaves out all but weights, statistics and averages. Default false.
   * @throws TrainerError outside `fit`.
   */
  async saveCheckpoint(path: string, { weightsOnly = false }: { readonly weightsOnly?: boolean } = {}): Promise<void> {
    const { model, program } = this.#requireRun()
    if (weightsOnly) return this.profile('save_checkpoint', () => saveWeights(path, model, program, this.#progress))
    const state = {
      progress: this.#progress,
      trainingBatches: this.#trainingBatches,
      seed: this.config.seed,
      metrics: this.callbackMetrics,
      callbacks: this.#callbacks.states(),
    }
    await this.profile('save_checkpoint', () => saveRunCheckpoint(path, model, program, state))
  }

  async #resume(path: string): Promise<void> {
    const { model, program } = this.#requireRun()
    const state = await loadRunCheckpoint(path, model, program, { seed: this.config.seed })
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
    this.#callbacks.load(state.callbacks)
  }

  #requireRun(): Run {
    if (!this.#run)
      throw new TrainerError(
        'Checkpoints of a run can be written only while fit is running. Use model.saveTo for the model itself.',
      )
    return this.#run
  }

  /** How the model's weights are updated, while fitting. */
  get optimization(): Optimization | undefined {
    return this.#run?.optimization
  }

  /** Learning rate of the present step, while fitting; that of the weights that are in no group. */
  get learningRate(): number | undefined {
    return this.#run?.optimization.scheduler.lr(this.#progress.globalStep)
  }

  /** Frees the runtime; weights come home to the model. */
  dispose(): Promise<void> {
    return this.runtime.dispose()
  }
}
