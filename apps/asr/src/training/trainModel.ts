import { join } from 'node:path'
import {
  type Config,
  type ConfigObject,
  type Experiment,
  type ExpManagerConfig,
  expManager,
  type FitResult,
  findRun,
  getLogger,
  isConfigObject,
  type MetricAccumulator,
  Model,
  type ModelClass,
  seedInitialisation,
  Trainer,
  TrainingProgress,
} from '@nemo/core'
import type { TrainingConfig } from './trainingConfig.js'
import { tune, withTunedSettings } from './tunedSettings.js'

/** What a recipe adds to the common course of training. */
export type ModelTraining<M extends Model> = TrainingCourse<M> &
  (
    | { readonly modelClass: ModelClass<M> }
    /** Makes the model in another way than from its config alone. */
    | { readonly create: (config: ConfigObject) => Promise<M> }
  )

interface TrainingCourse<M extends Model> {
  readonly config: TrainingConfig
  /** The composed config as it was written, for the experiment's folder. */
  readonly composed: Config
  readonly title: string
  /** Starts from these weights instead of fresh ones. */
  readonly initialize?: ((model: M) => Promise<void> | void) | undefined
  /** More results for `result.json`, found with the trained model before the run is closed. */
  readonly finish?: (model: M, experiment: Experiment) => Promise<Record<string, number>>
}

/** How training ended. */
export interface TrainedModel<M extends Model> {
  readonly experiment: Experiment
  readonly model: M
  readonly fit: FitResult
  /** `test_wer` and the like; empty when training was interrupted. */
  readonly metrics: Readonly<Record<string, number>>
  /** What the evaluation of each test set gathered. */
  readonly evaluations: readonly MetricAccumulator[]
}

const log = getLogger('recipe')

/**
 * Trains a model from a config, or goes on with an interrupted run of the same config; then tests it and writes `.nemo` and,
 * of models that can be exported, ONNX files beside the experiment's logs, checkpoints, `result.json` and `report.html`.
 */
export async function trainModel<M extends Model>(training: ModelTraining<M>): Promise<TrainedModel<M>> {
  const { config, composed, title } = training
  const trainer = new Trainer(config.trainer, {
    callbacks: config.trainer.enable_progress_bar ? [new TrainingProgress()] : [],
  })
  const run = await expManager(trainer, experimentSettings(config, composed), { config: composed, title })
  const { experiment } = run
  try {
    seedInitialisation(config.trainer.seed)
    const modelConfig = await withTunedSettings(config.model as ConfigObject, experiment)
    const model =
      'create' in training
        ? await training.create(modelConfig)
        : (Model.fromConfigDict.call(training.modelClass, modelConfig, { keyPath: 'model' }) as M)
    log.info(`model:\n${model.summary()}`)
    await setUpData(model, modelConfig)
    if (experiment.resumeFrom === undefined) {
      await training.initialize?.(model)
      const tuned = await tune(trainer, model, experiment)
      if (tuned !== undefined) log.info(`tuned: ${tuned}`)
    }
    const fit = await trainer.fit(model)
    if (fit.status === 'interrupted') {
      log.info(`interrupted; the same command goes on from ${run.checkpoints?.lastPath ?? 'the start'}`)
      await run.close()
      return { experiment, model, fit, metrics: {}, evaluations: [] }
    }
    model.eval()
    const tested = model.testLoaders.length > 0 ? await trainer.test(model) : await trainer.validate(model)
    await model.saveTo(join(experiment.dir, `${config.name}.nemo`))
    if (canExport(model)) await model.export(join(experiment.dir, `${config.name}.onnx`))
    const metrics = { ...fit.metrics, ...tested, ...(await training.finish?.(model, experiment)) }
    await run.finish({ metrics, extra: { weights: model.numWeights } })
    return { experiment, model, fit, metrics, evaluations: run.evaluations.sets.map((set) => set.metrics) }
  } finally {
    // Where it was not closed above, the run failed.
    await run.close('failed')
    await trainer.dispose()
  }
}

const canExport = (model: Model): model is Model & { export(path: string): Promise<void> } =>
  'export' in model && typeof model.export === 'function'

/** With `resume`, the folder of an interrupted run of this config; else a new one. */
function experimentSettings({ exp_manager, resume }: TrainingConfig, composed: Config): ExpManagerConfig {
  const folder = join(exp_manager.exp_dir ?? 'nemo_experiments', exp_manager.name ?? 'default')
  const interrupted = resume ? findRun(folder, composed, 'interrupted') : undefined
  if (interrupted === undefined) return exp_manager
  return {
    ...exp_manager,
    explicit_log_dir: interrupted,
    exp_dir: null,
    version: null,
    resume_if_exists: true,
    // It may have been trained to the end and interrupted in its test.
    resume_past_end: true,
  }
}

async function setUpData(model: Model, config: ConfigObject): Promise<void> {
  if (isConfigObject(config.train_ds)) await model.setupTrainingData(config.train_ds)
  if (isConfigObject(config.validation_ds)) await model.setupMultipleValidationData(config.validation_ds)
  if (isConfigObject(config.test_ds)) await model.setupMultipleTestData(config.test_ds)
}
