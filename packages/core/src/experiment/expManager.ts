import { Config } from '../config/config.js'
import { type ConfigObject, isConfigObject } from '../config/configValue.js'
import { ConfigValidationError } from '../config/errors.js'
import { nodeModule } from '../config/nodeModule.js'
import { validateConfig } from '../config/validateConfig.js'
import { CSVLogger } from '../logging/csvLogger.js'
import { getLogger } from '../logging/logger.js'
import type { MetricsLogger } from '../logging/metricsLogger.js'
import { flattenHyperparams } from '../logging/metricsLogger.js'
import { TensorBoardLogger } from '../logging/tensorBoardLogger.js'
import { type WandbLibrary, WandbLogger } from '../logging/wandbLogger.js'
import type { Model } from '../models/model.js'
import type { Callback } from '../trainer/callback.js'
import { EMA } from '../trainer/callbacks/ema.js'
import { MetricsHistory } from '../trainer/callbacks/metricsHistory.js'
import { MetricsLogging } from '../trainer/callbacks/metricsLogging.js'
import { ModelCheckpoint } from '../trainer/callbacks/modelCheckpoint.js'
import { NewestEvaluations } from '../trainer/callbacks/newestEvaluations.js'
import type { Trainer } from '../trainer/trainer.js'
import { CheckpointMisconfigurationError, LoggerMisconfigurationError } from './errors.js'
import { createExperiment, type Experiment, type ExperimentOptions, type ResultInput } from './experiment.js'
import { checkpointParamsSchema, type ExpManagerConfig, expManagerConfigSchema } from './expManagerConfig.js'
import type { ExperimentConfig } from './logDir.js'
import type { ReportSection } from './report/sections.js'
import { writeReport } from './report/writeReport.js'
import { runReport } from './runReport.js'

/** What {@link expManager} needs besides config keys. */
export interface ExpManagerOptions extends ExperimentOptions {
  /** The whole config of the run: written into its folder, given to loggers, shown in the report. */
  readonly config?: Config | ConfigObject
  /** Title of the report. Default: the experiment's name. */
  readonly title?: string
  /** W&B's library. Default: the installed one. */
  readonly wandb?: WandbLibrary
}

/** How a run ended, for its result and report. */
export interface RunOutcome extends Partial<ResultInput> {
  /** Parts of the report of the recipe's own; what the evaluated sets show by themselves comes after them. */
  readonly sections?: readonly ReportSection[]
}

type Settings = ReturnType<typeof validate>

/**
 * A trainer's experiment: its folder, loggers, checkpoints and report. Made by {@link expManager}. `report.html` is written when
 * `fit` ends or fails; `finish` writes it anew with the results. It shows what the newest evaluation's metrics have to show
 * (`MetricAccumulator.reportSections`): of recognisers, the worst utterances with sound and spectrogram.
 */
export class ManagedExperiment implements Callback {
  readonly history = new MetricsHistory()
  /** What the newest test, or else validation, gathered on each set. */
  readonly evaluations = new NewestEvaluations()
  readonly logging: MetricsLogging
  readonly checkpoints: ModelCheckpoint | undefined
  readonly #trainer: Trainer
  readonly #config: Config | ConfigObject | undefined
  readonly #title: string
  #weights: number | undefined

  /** @internal Use {@link expManager}. */
  constructor(
    readonly experiment: Experiment,
    trainer: Trainer,
    settings: Settings,
    { config, title, wandb }: ExpManagerOptions,
  ) {
    const name = experiment.name || settings.name || 'default'
    this.#trainer = trainer
    this.#config = config
    this.#title = title ?? name
    this.logging = new MetricsLogging((resumedAt) => this.#makeLoggers(settings, resumedAt, wandb))
    this.checkpoints = settings.create_checkpoint_callback ? makeCheckpoints(experiment, settings, name) : undefined
    if (settings.ema?.enable) trainer.callbacks.push(new EMA(settings.ema))
    trainer.callbacks.push(
      this.history,
      this.logging,
      this.evaluations,
      this,
      ...(this.checkpoints ? [this.checkpoints] : []),
    )
  }

  /** Path of the run's folder. */
  get dir(): string {
    return this.experiment.dir
  }

  async #makeLoggers(
    settings: Settings,
    resumedAt: number | undefined,
    library: WandbLibrary | undefined,
  ): Promise<MetricsLogger[]> {
    const { dir } = this.experiment
    const purge = resumedAt === undefined ? {} : { purgeStep: resumedAt }
    const config = this.#config instanceof Config ? this.#config.toObject() : (this.#config ?? {})
    const loggers: MetricsLogger[] = []
    if (settings.create_csv_logger) loggers.push(new CSVLogger({ dir, ...purge }))
    if (settings.create_tensorboard_logger) {
      const { flush_secs = 10, filename_suffix = '' } = settings.summary_writer_kwargs ?? {}
      const options = { dir, flushSeconds: flush_secs, filenameSuffix: filename_suffix }
      loggers.push(new TensorBoardLogger({ ...options, ...purge }))
    }
    if (settings.create_wandb_logger) {
      const init = { dir, ...(settings.wandb_logger_kwargs as ConfigObject) }
      loggers.push(await WandbLogger.open({ config, init, ...(library && { library }) }))
    }
    for (const logger of loggers) logger.logHyperparams(flattenHyperparams(config))
    return loggers
  }

  onFitStart(_trainer: Trainer, model: Model): void {
    this.#weights = model.numWeights
  }

  async onFitEnd(trainer: Trainer): Promise<void> {
    await this.#report(trainer.interrupted ? 'interrupted' : 'completed', trainer.callbackMetrics)
  }

  async onException(trainer: Trainer): Promise<void> {
    await this.#report('failed', trainer.callbackMetrics)
  }

  async #report(status: string, metrics: Readonly<Record<string, number>>, sections: readonly ReportSection[] = []) {
    const { name, version, seconds } = this.experiment
    await writeReport(
      this.experiment.path('report.html'),
      runReport({
        title: this.#title,
        subtitle: [name, version].filter(Boolean).join(' '),
        status,
        seconds,
        series: this.history.series,
        metrics,
        ...(this.#weights !== undefined && { weights: this.#weights }),
        ...(this.#config && { config: this.#config }),
        sections: [...sections, ...(await this.#samples())],
      }),
    )
  }

  async #samples(): Promise<ReportSection[]> {
    const sections: ReportSection[] = []
    for (const { name, metrics } of this.evaluations.sets) {
      try {
        sections.push(...((await metrics.reportSections?.(name)) ?? []))
      } catch (error) {
        // A sound file that has gone must not cost a run its checkpoints and results.
        getLogger('exp_manager').error(`report.html lacks the samples of ${name}: ${String(error)}`)
      }
    }
    return sections
  }

  /**
   * Ends the experiment: `result.json`, `report.html` with the recipe's sections, loggers and log files closed.
   *
   * @param outcome.metrics - Default: the newest of all that was logged.
   */
  async finish({ sections, ...result }: RunOutcome = {}): Promise<void> {
    const { callbackMetrics, config } = this.#trainer
    const { metrics = { ...callbackMetrics }, status = 'completed', seed = config.seed } = result
    await this.experiment.writeResult({ ...result, metrics, status, seed })
    await this.#report(status, metrics, sections)
    await this.close(status === 'failed' ? 'failed' : 'success')
  }

  /** Closes loggers and log files without a result, as where a run was interrupted. */
  async close(status: 'success' | 'failed' = 'success'): Promise<void> {
    await this.logging.close(status)
    this.experiment.close()
  }
}

function makeCheckpoints(experiment: Experiment, settings: Settings, name: string): ModelCheckpoint {
  const { basename, dirname } = nodeModule('node:path')
  const params = settings.checkpoint_callback_params
  const { filepath, period, verbose: _, postfix: __, ...rest } = params
  const prefix = params.prefix ?? name
  const fromPath = filepath === null ? undefined : { dir: dirname(filepath), name: basename(filepath) }
  return new ModelCheckpoint({
    ...rest,
    dirpath: params.dirpath ?? fromPath?.dir ?? experiment.checkpointDir,
    filename: params.filename ?? fromPath?.name ?? `${prefix}--{${params.monitor}:.2f}-{epoch}`,
    prefix,
    every_n_epochs: period,
    save_end: true,
  })
}

function validate(config: ExpManagerConfig) {
  // Arguments of a logger that is not wanted may be left open (`???`).
  const { wandb_logger_kwargs, ...others } = config
  const wanted = config.create_wandb_logger ? { ...others, wandb_logger_kwargs } : others
  const settings = validateConfig(expManagerConfigSchema, wanted, { source: 'exp_manager' })
  const { create_wandb_logger, wandb_logger_kwargs: init } = settings
  if (create_wandb_logger && !(isConfigObject(init) && ('name' in init || 'project' in init))) {
    const message = 'expected name or project, which W&B needs'
    throw new ConfigValidationError([{ keyPath: 'wandb_logger_kwargs', message }], 'exp_manager')
  }
  const params = settings.checkpoint_callback_params ?? defaultParams()
  return { ...settings, checkpoint_callback_params: params }
}

const defaultParams = () => checkpointParamsSchema.parse({})

const experimentKeys = [
  'explicit_log_dir',
  'exp_dir',
  'name',
  'version',
  'use_datetime_version',
  'resume_if_exists',
  'resume_past_end',
  'resume_ignore_no_checkpoint',
  'files_to_copy',
] as const

/**
 * Gives a trainer an experiment: folder in NeMo's layout, log files, command line and git state on record, loggers, checkpoints,
 * the checkpoint to go on from, and a report. NeMo's `exp_manager`.
 *
 * ```ts
 * const trainer = new Trainer(cfg.trainer)
 * const run = await expManager(trainer, cfg.exp_manager, { config })
 * await trainer.fit(model)
 * await run.finish({ metrics: await trainer.test(model) })
 * ```
 *
 * @throws ConfigValidationError for a wrong option; LoggerMisconfigurationError, CheckpointMisconfigurationError if the trainer
 * has what the experiment is asked to make; ExperimentFolderError, ExperimentResumeError.
 */
export async function expManager(
  trainer: Trainer,
  config: ExpManagerConfig = {},
  options: ExpManagerOptions = {},
): Promise<ManagedExperiment> {
  const settings = validate(config)
  checkTrainer(trainer, settings)
  const place = Object.fromEntries(experimentKeys.map((key) => [key, settings[key]])) as ExperimentConfig
  const experiment = await createExperiment(place, options)
  if (options.config) await experiment.writeConfig(options.config)
  trainer.config.default_root_dir = experiment.dir
  if (experiment.resumeFrom !== undefined) trainer.config.resume_from_checkpoint = experiment.resumeFrom
  return new ManagedExperiment(experiment, trainer, settings, options)
}

function checkTrainer(trainer: Trainer, settings: Settings): void {
  const { create_tensorboard_logger, create_wandb_logger, create_checkpoint_callback } = settings
  const logs = trainer.callbacks.some((callback) => callback instanceof MetricsLogging && callback.loggers.length > 0)
  if (logs && (create_tensorboard_logger || create_wandb_logger))
    throw new LoggerMisconfigurationError(
      'the trainer has loggers already; set create_tensorboard_logger=false and create_wandb_logger=false, or leave them out of the trainer',
    )
  const averaging = trainer.callbacks.find(({ weightAverage }) => weightAverage)
  if (settings.ema?.enable && averaging)
    throw new CheckpointMisconfigurationError(
      `the trainer averages its weights already, by ${averaging.constructor.name}; set ema.enable=false, or leave it out of the trainer`,
    )
  if (!create_checkpoint_callback) return
  if (trainer.callbacks.some((callback) => callback instanceof ModelCheckpoint))
    throw new CheckpointMisconfigurationError(
      'the trainer has a ModelCheckpoint already; set create_checkpoint_callback=false, or leave it out of the trainer',
    )
  const { monitor } = settings.checkpoint_callback_params
  const { check_val_every_n_epoch } = trainer.config
  if (monitor.includes('val') && trainer.maxEpochs < check_val_every_n_epoch)
    getLogger('exp_manager').error(
      `checkpoints watch ${monitor}, but there is no validation: max_epochs is ${trainer.maxEpochs}, check_val_every_n_epoch ${check_val_every_n_epoch}`,
    )
}
