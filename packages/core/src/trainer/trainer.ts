import type { Runtime } from '@nemo/graph'
import { validateConfig } from '../config/validateConfig.js'
import type { DataLoader } from '../data/dataLoader.js'
import type { Batch } from '../data/dataset.js'
import type { Model } from '../models/model.js'
import type { Optimization } from '../optimizers/parameterGroups.js'
import { acceleratorRuntime } from './acceleratorRuntime.js'
import type { Callback, Metrics } from './callback.js'
import { CallbackList } from './callbackList.js'
import { durationSeconds } from './duration.js'
import { inContext, RunCheckpointError, TrainerError } from './errors.js'
import { Evaluator, type PredictedResult, type Prediction } from './evaluator.js'
import { Interrupts } from './interrupts.js'
import { LossScaler, type LossScalingOptions } from './lossScaler.js'
import { precisionOf, requirePrecision } from './precision.js'
import { opPrefix, type ProfileFiles, temporaryProfile } from './profiler/opProfile.js'
import { Profiler } from './profiler/profiler.js'
import { TRAINING_STEP, writeProfile } from './profiler/writeProfile.js'
import { loadRunCheckpoint, type Progress, saveRunCheckpoint, saveWeights } from './runCheckpoint.js'
import { RunLimits } from './runLimits.js'
import { requireSound, type StepPlace } from './stepSoundness.js'
import { type TrainerConfig, type TrainerConfigInput, trainerConfigSchema } from './trainerConfig.js'
import type { StepResult } from './trainingProgram.js'
import { type TuneResult, tune } from './tuner/tune.js'
import { TurnPrograms, type TurnState } from './turnPrograms.js'

/** What a trainer takes besides its settings. */
export interface TrainerParts {
  readonly callbacks?: readonly Callback[]
  /** Default: what `accelerator` names; ONNX Runtime in a worker thread, so that signals and progress bars stay alive. */
  readonly runtime?: Runtime
  /** How the loss is scaled with `precision: 16-mixed`. Default: as PyTorch's GradScaler. */
  readonly lossScaling?: LossScalingOptions
}

/**
 * How a run ended: it reached its epochs or steps, a callback or the time limit stopped it, or a signal interrupted it.
 */
export type FitStatus = 'finished' | 'stopped' | 'interrupted'

// What `fit` works on.
interface Run {
  readonly model: Model
  readonly loader: DataLoader
  readonly program: TurnPrograms
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
  readonly #limits: RunLimits
  readonly #evaluator: Evaluator
  readonly #lossScaling: LossScalingOptions | undefined
  #profiler: Profiler | undefined
  #progress: Progress = START
  #run: Run | undefined
  #fitting = false
  #trainingBatches = 0

  constructor(config: TrainerConfigInput = {}, parts: TrainerParts = {}) {
    this.config = validateConfig(trainerConfigSchema, config, { source: 'trainer' })
    this.callbacks = [...(parts.callbacks ?? [])]
    this.runtime = parts.runtime ?? acceleratorRuntime(this.config)
    requirePrecision(this.config, this.runtime)
    this.#lossScaling = parts.lossScaling
    this.#limits = new RunLimits(this.config)
    this.#evaluator = new Evaluator(this, this.#callbacks, this.#limits)
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

  /** Epochs that the settings allow; Infinity for no limit. */
  get maxEpochs(): number {
    return this.#limits.maxEpochs
  }

  /** Optimiser steps that the settings allow, or undefined if only callbacks or time can end training. */
  maxSteps(batchesPerEpoch: number): number | undefined {
    return this.#limits.maxSteps(batchesPerEpoch)
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
      if (checkpoint === undefined) await this.#evaluator.sanityCheck(model)
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
      await this.#evaluator.dispose()
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
    this.#trainingBatches = this.#limits.trainingBatches(loader.length)
    if (this.#trainingBatches === 0)
      throw new TrainerError(
        'The training data has no batches. Is the manifest empty, were all samples filtered out, or is limit_train_batches 0?',
      )
    model.nameParameters()
    const maxSteps = this.maxSteps(this.#trainingBatches)
    const { max_time } = this.config
    const program = await TurnPrograms.build(model, {
      ...this.#stepSettings(),
      ports: loader.outputTypes,
      maxSteps,
      average: this.#callbacks.weightAverage(),
      profilePrefix,
    })
    const seconds = max_time === null ? Number.POSITIVE_INFINITY : durationSeconds(max_time, 'trainer.max_time')
    const deadline = performance.now() + seconds * 1000
    this.#run = { model, loader, program, maxSteps, deadline }
    this.#evaluator.training = { loader, batches: this.#trainingBatches }
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
      lossScaler: precisionOf(this.config) === '16-mixed' ? new LossScaler(this.#lossScaling) : undefined,
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

  async #epochs(): Promise<FitStatus> {
    const { model, loader, maxSteps } = this.#run!
    while (this.#progress.epoch < this.maxEpochs) {
      if (this.interrupted) return 'interrupted'
      // Between two epochs; in the middle of one, a validation may be due first.
      if (this.#progress.batch === 0) {
        if (this.#progress.globalStep >= (maxSteps ?? Number.POSITIVE_INFINITY)) return 'finished'
        if (this.shouldStop && this.#limits.mayStop(this.#progress.epoch, this.#progress.globalStep)) return 'stopped'
      }
      await this.#callbacks.call('onTrainEpochStart', model)
      const ended = await this.#epoch()
      if (ended === 'interrupted') return ended
      await this.#callbacks.call('onTrainEpochEnd', model)
      if (this.#progress.batch >= this.#trainingBatches)
        this.#progress = { ...this.#progress, epoch: this.#progress.epoch + 1, batch: 0 }
      await this.#callbacks.sayProblems(loader)
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
    return this.shouldStop && this.#limits.mayStop(completed, this.#progress.globalStep) ? 'stopped' : undefined
  }

  // One batch: the step, the place in the data, logs. A batch without usable samples still counts as a place.
  async #trainBatch(position: number, batch: Batch | undefined): Promise<void> {
    const { model, maxSteps, program } = this.#run!
    const last = position === this.#trainingBatches - 1
    const before = this.#progress
    const accumulated = before.accumulatedBatches + (batch ? 1 : 0)
    const applies = accumulated > 0 && (last || accumulated >= this.config.accumulate_grad_batches)
    const turns = program.active(before.globalStep)
    const results: StepResult[] = []
    if (batch) {
      await this.#callbacks.call('onTrainBatchStart', model, position)
      for (const turn of turns) results.push(await this.#step(turn, batch, applies))
    } else if (applies) for (const turn of turns) await this.#applyGradients(turn)
    const globalStep = before.globalStep + (applies ? 1 : 0)
    const validates =
      globalStep === maxSteps || this.#limits.validatesAfter(position, before.epoch, this.#trainingBatches)
    this.#progress = {
      epoch: before.epoch,
      batch: position + 1,
      globalStep,
      batchesDone: before.batchesDone + (batch ? 1 : 0),
      accumulatedBatches: applies ? 0 : accumulated,
      validationDue: validates && this.#evaluator.validationLoaders(model).length > 0,
    }
    if (!batch) return
    await this.#logStep(batch, turns, results, applies)
    await this.#callbacks.call('onTrainBatchEnd', model, stepOfAll(results), position)
  }

  async #step(turn: TurnState, batch: Batch, applies: boolean): Promise<StepResult> {
    const { batchesDone: randomStep } = this.#progress
    const moment = { optimizerStep: turn.stepsDone, randomStep, seed: this.config.seed, applies }
    const place = this.#place(turn)
    const result = await inContext(`Training step ${place.globalStep} (${place.where})`, () =>
      this.profile(TRAINING_STEP, () => turn.program.run(batch, moment)),
    )
    requireSound(result, place, { terminateOnNan: this.config.terminate_on_nan })
    return result
  }

  async #applyGradients(turn: TurnState): Promise<void> {
    const place = this.#place(turn)
    const result = await inContext(`Training step ${place.globalStep} (${place.where})`, () =>
      turn.program.applyGradients(turn.stepsDone),
    )
    const { terminate_on_nan: terminateOnNan } = this.config
    requireSound(result, place, { terminateOnNan, lastLoss: this.callbackMetrics.train_loss })
  }

  #place({ name, optimization, stepsDone }: TurnState): StepPlace {
    const { globalStep, epoch, batch } = this.#progress
    const rate = optimization.scheduler.lr(stepsDone).toPrecision(4)
    const where = `epoch ${epoch}, batch ${batch}${name === '' ? '' : `, ${name}`}, learning rate ${rate}`
    return { globalStep, where }
  }

  // Plain names tell of the batch's last turn, as there is no loss of all.
  async #logStep(
    batch: Batch,
    turns: readonly TurnState[],
    results: readonly StepResult[],
    applies: boolean,
  ): Promise<void> {
    const { model } = this.#run!
    this.callbackMetrics.train_loss = results.at(-1)!.loss
    if (!applies || this.#progress.globalStep % this.config.log_every_n_steps !== 0) return
    const metrics: Record<string, number> = {}
    for (const [i, { name, optimization, stepsDone }] of turns.entries()) {
      const { loss, gradNorm, lossScale } = results[i]!
      const values = {
        train_loss: loss,
        learning_rate: optimization.scheduler.lr(stepsDone),
        ...(gradNorm !== undefined && { grad_norm: gradNorm }),
        ...(lossScale !== undefined && { loss_scale: lossScale }),
      }
      Object.assign(metrics, values)
      if (name !== '') for (const [key, value] of Object.entries(values)) metrics[`${key}_${name}`] = value
    }
    const accumulator = model.trainingMetrics()
    if (accumulator) {
      await accumulator.update(stepOfAll(results).outputs, batch, this.runtime)
      for (const [name, value] of Object.entries(accumulator.compute())) metrics[`training_batch_${name}`] = value
    }
    await this.log(metrics)
  }

  /** Records metrics under the present step: for loggers, progress bars and callbacks that watch them. */
  async log(metrics: Metrics): Promise<void> {
    Object.assign(this.callbackMetrics, metrics)
    await this.#callbacks.call('onLog', metrics, this.#progress.globalStep)
  }

  /** @returns false if a signal cut the validation short; nothing is logged then. */
  async #validateDuringFit(model: Model): Promise<boolean> {
    const metrics = await this.profile('run_validation', () => this.#evaluator.validateDuringFit(model))
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
    return this.#evaluator.evaluate(model, model.validationLoaders, 'validation')
  }

  /** Evaluates the test sets; metrics are named `test_loss` and so on. */
  async test(model: Model): Promise<Metrics> {
    return this.#evaluator.evaluate(model, model.testLoaders, 'test')
  }

  /**
   * Runs a model's `predictStep` over data.
   *
   * @returns one entry per batch, in order; batches of which all samples were left out have none.
   */
  async predict<M extends Model>(model: M, loader: DataLoader): Promise<Prediction<PredictedResult<M>>[]> {
    return this.#evaluator.predict(model, loader)
  }

  /** Runs `work` while the model holds the averages of its weights, if a callback keeps some. */
  withAveragedWeights<T>(work: () => Promise<T>): Promise<T> {
    return this.#callbacks.weightAverage()?.whileApplied(work) ?? work()
  }

  /** Whether evaluations read averages in place of weights. */
  get evaluatesAverages(): boolean {
    return this.#evaluator.averages !== undefined
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

  /** How the model's weights are updated, while fitting; where optimisers take turns, by the first of them. */
  get optimization(): Optimization | undefined {
    return this.optimizers[0]?.optimization
  }

  /** The optimisers that train the model, while fitting, with the steps that each has made. */
  get optimizers(): readonly TurnState[] {
    return this.#run?.program.at(this.#progress.globalStep) ?? []
  }

  /** Learning rate of the present step, while fitting: of the first optimiser's weights that are in no group. */
  get learningRate(): number | undefined {
    const [first] = this.optimizers
    return first?.optimization.scheduler.lr(first.stepsDone)
  }

  /** Frees the runtime; weights come home to the model. */
  dispose(): Promise<void> {
    return this.runtime.dispose()
  }
}

// What several optimisers made of a batch: the numbers of the last one, and the outputs of all.
function stepOfAll(results: readonly StepResult[]): StepResult {
  const outputs = Object.assign({}, ...results.map((result) => result.outputs)) as StepResult['outputs']
  return { ...results.at(-1)!, outputs }
}
