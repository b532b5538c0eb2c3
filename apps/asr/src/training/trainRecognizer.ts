import { join } from 'node:path'
import { EncDecCTCModel, type TranscriptMetrics } from '@nemo/asr'
import {
  type Config,
  type ConfigObject,
  CSVLogger,
  createExperiment,
  type Experiment,
  type ExperimentConfig,
  type FitResult,
  findRun,
  flattenHyperparams,
  getLogger,
  isConfigObject,
  type MetricAccumulator,
  MetricsHistory,
  MetricsLogging,
  ModelCheckpoint,
  seedInitialisation,
  TensorBoardLogger,
  Trainer,
  TrainingProgress,
} from '@nemo/core'
import type { TrainingConfig } from './trainingConfig.js'
import { writeTrainingReport } from './trainingReport.js'

/** What a recipe adds to the common course of training. */
export interface RecognizerTraining {
  readonly config: TrainingConfig
  /** The composed config as it was written, for the experiment's folder. */
  readonly composed: Config
  readonly title: string
  /** Starts from these weights instead of fresh ones. */
  readonly initialize?: (model: EncDecCTCModel) => Promise<void> | void
  /** More rows for the closing table. */
  readonly facts?: Readonly<Record<string, string>>
}

/** How training ended. */
export interface TrainedRecognizer {
  readonly experiment: Experiment
  readonly model: EncDecCTCModel
  readonly fit: FitResult
  /** `test_wer` and the like; empty when training was interrupted. */
  readonly metrics: Readonly<Record<string, number>>
  readonly transcripts: TranscriptMetrics['transcripts']
}

const log = getLogger('recipe')

/**
 * Trains a recogniser from a config, or goes on with an interrupted run of the same config: experiment folder, logs,
 * checkpoints, evaluation on the test set, `.nemo` and ONNX files, `result.json` and `report.html`.
 */
export async function trainRecognizer(training: RecognizerTraining): Promise<TrainedRecognizer> {
  const { config, composed } = training
  const experiment = await openExperiment(config, composed)
  await experiment.writeConfig(composed)
  seedInitialisation(config.trainer.seed)
  const modelConfig = config.model as ConfigObject
  const model = EncDecCTCModel.fromConfigDict<EncDecCTCModel>(modelConfig, { keyPath: 'model' })
  log.info(`model:\n${model.summary()}`)
  await setUpData(model, modelConfig)
  if (experiment.resumeFrom === undefined) await training.initialize?.(model)

  const history = new MetricsHistory()
  const csv = new CSVLogger({ dir: experiment.dir })
  const tensorBoard = new TensorBoardLogger({ dir: experiment.dir })
  csv.logHyperparams(flattenHyperparams(composed.toObject()))
  const checkpoints = new ModelCheckpoint({
    dirpath: experiment.checkpointDir,
    prefix: config.name,
    monitor: 'val_wer',
    save_top_k: 1,
    every_n_train_steps: 100,
  })
  const trainer = new Trainer(config.trainer, {
    callbacks: [
      history,
      new MetricsLogging([csv, tensorBoard]),
      checkpoints,
      ...(config.trainer.enable_progress_bar ? [new TrainingProgress()] : []),
    ],
  })
  try {
    const fit = await trainer.fit(
      model,
      experiment.resumeFrom === undefined ? {} : { checkpoint: experiment.resumeFrom },
    )
    if (fit.status === 'interrupted') {
      log.info(`interrupted; the same command goes on from ${checkpoints.lastPath}`)
      return { experiment, model, fit, metrics: {}, transcripts: [] }
    }
    model.eval()
    const collected = collectTranscripts(model)
    const test = model.testLoaders.length > 0 ? await trainer.test(model) : await trainer.validate(model)
    const metrics = { ...fit.metrics, ...test }
    await model.saveTo(join(experiment.dir, `${config.name}.nemo`))
    await model.export(join(experiment.dir, `${config.name}.onnx`))
    await experiment.writeResult({ metrics, seed: config.trainer.seed, extra: { weights: model.numWeights } })
    await writeTrainingReport(experiment.path('report.html'), {
      title: training.title,
      experiment,
      composed,
      history,
      model,
      metrics,
      transcripts: collected(),
      facts: training.facts ?? {},
    })
    return { experiment, model, fit, metrics, transcripts: collected() }
  } finally {
    await csv.close()
    await tensorBoard.close()
    await trainer.dispose()
    experiment.close()
  }
}

async function openExperiment(config: TrainingConfig, composed: Config): Promise<Experiment> {
  const settings = config.exp_manager as ExperimentConfig
  const folder = join(settings.exp_dir ?? 'nemo_experiments', settings.name ?? 'default')
  const interrupted = config.resume ? findRun(folder, composed, 'interrupted') : undefined
  if (interrupted === undefined) return createExperiment(settings)
  return createExperiment({
    ...settings,
    explicit_log_dir: interrupted,
    exp_dir: null,
    version: null,
    resume_if_exists: true,
  })
}

async function setUpData(model: EncDecCTCModel, config: ConfigObject): Promise<void> {
  if (isConfigObject(config.train_ds)) await model.setupTrainingData(config.train_ds)
  if (isConfigObject(config.validation_ds)) await model.setupMultipleValidationData(config.validation_ds)
  if (isConfigObject(config.test_ds)) await model.setupMultipleTestData(config.test_ds)
}

// The transcripts of the evaluation that follows.
function collectTranscripts(model: EncDecCTCModel): () => TranscriptMetrics['transcripts'] {
  const made: TranscriptMetrics[] = []
  const original = model.validationMetrics.bind(model)
  model.validationMetrics = (): MetricAccumulator => {
    const metrics = original() as TranscriptMetrics
    made.push(metrics)
    return metrics
  }
  return () => made.flatMap((metrics) => metrics.transcripts)
}
