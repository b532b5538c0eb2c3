import type { Tensor, TensorData } from '@nemo/graph'
import { atomicWriteFile } from '../checkpoint/atomicWriteFile.js'
import { packNemo, readNemo } from '../checkpoint/nemoArchive.js'
import { OrderedDict } from '../checkpoint/pythonValue.js'
import { Config } from '../config/config.js'
import type { ConfigObject } from '../config/configValue.js'
import { isConfigObject } from '../config/configValue.js'
import { parseYaml } from '../config/parseYaml.js'
import { stringifyYaml } from '../config/stringifyYaml.js'
import { resolveTarget } from '../config/targetRegistry.js'
import type { DataLoader } from '../data/dataLoader.js'
import { NeuralModule } from '../modules/neuralModule.js'
import type { Optimizer } from '../optimizers/optimizer.js'
import { createOptimizer, type OptimizerConfig } from '../optimizers/registry.js'
import { createScheduler, type SchedulerConfig } from '../schedulers/registry.js'
import type { Scheduler } from '../schedulers/scheduler.js'
import { ModelError } from './errors.js'
import type { MetricAccumulator } from './metrics.js'

/** What a training step's graph gives. */
export interface TrainingStep {
  /** Float scalar to minimise. */
  readonly loss: Tensor
  /** More tensors to compute, for training metrics. */
  readonly outputs?: Readonly<Record<string, Tensor>>
}

/** A data loader under a name, as validation and test sets have. */
export interface NamedLoader {
  readonly name: string
  readonly loader: DataLoader
}

/** An update rule with its learning rates. */
export interface Optimization {
  readonly optimizer: Optimizer
  readonly scheduler: Scheduler
}

/** A concrete model class. */
export interface ModelClass<M extends Model> {
  new (cfg: ConfigObject): M
}

/** Options of `restoreFrom`. */
export interface RestoreOptions {
  /** Config to use instead of the archive's, or changes to it. */
  readonly overrideConfig?: (config: ConfigObject) => ConfigObject
  /** Every weight must be there and no other. Default true. */
  readonly strict?: boolean
}

/**
 * A network with its losses, data and optimisation, made from a config.
 *
 * Source: NeMo v1.0.0 `nemo.core.classes.modelPT.ModelPT`.
 */
export abstract class Model extends NeuralModule {
  /** The model's own config (the `model` section of a recipe's), interpolations resolved. */
  readonly cfg: ConfigObject
  /** NeMo's dotted name of the class, written into `.nemo` files. */
  abstract readonly target: string
  trainingLoader: DataLoader | undefined
  validationLoaders: readonly NamedLoader[] = []
  testLoaders: readonly NamedLoader[] = []
  readonly #artifacts = new Map<string, Uint8Array>()

  constructor(cfg: ConfigObject) {
    super()
    this.cfg = cfg
  }

  /** Draws one training step from a batch's ports. */
  abstract trainingStep(batch: Readonly<Record<string, Tensor>>): TrainingStep

  /** Draws one evaluation step: the tensors that `validationMetrics` reads, `loss` among them if there is one. */
  abstract validationStep(batch: Readonly<Record<string, Tensor>>): Readonly<Record<string, Tensor>>

  /** Draws one test step. Default: the validation step. */
  testStep(batch: Readonly<Record<string, Tensor>>): Readonly<Record<string, Tensor>> {
    return this.validationStep(batch)
  }

  /** A fresh accumulator for an evaluation. */
  abstract validationMetrics(): MetricAccumulator

  /** A fresh accumulator for one training batch, read at logging steps; its names get the prefix `training_batch_`. */
  trainingMetrics(): MetricAccumulator | undefined {
    return undefined
  }

  /** Makes a loader from a data section (`train_ds`, `validation_ds`); the collection knows its datasets. */
  abstract createDataLoader(config: ConfigObject, purpose: 'train' | 'validation' | 'test'): Promise<DataLoader>

  /** Sets the training data from a config section. NeMo's `setup_training_data`. */
  async setupTrainingData(config: ConfigObject): Promise<void> {
    this.trainingLoader = await this.createDataLoader(config, 'train')
  }

  /** Sets one validation set. */
  async setupValidationData(config: ConfigObject): Promise<void> {
    this.validationLoaders = [{ name: 'val', loader: await this.createDataLoader(config, 'validation') }]
  }

  /** Sets one test set. */
  async setupTestData(config: ConfigObject): Promise<void> {
    this.testLoaders = [{ name: 'test', loader: await this.createDataLoader(config, 'test') }]
  }

  /** Sets a validation set for each manifest of a list; they are named after their files. */
  async setupMultipleValidationData(config: ConfigObject): Promise<void> {
    this.validationLoaders = await this.#loaders(config, 'validation', 'val')
  }

  /** Sets a test set for each manifest of a list. */
  async setupMultipleTestData(config: ConfigObject): Promise<void> {
    this.testLoaders = await this.#loaders(config, 'test', 'test')
  }

  async #loaders(config: ConfigObject, purpose: 'validation' | 'test', single: string): Promise<NamedLoader[]> {
    const manifests = config.manifest_filepath
    if (!Array.isArray(manifests)) return [{ name: single, loader: await this.createDataLoader(config, purpose) }]
    const loaders: NamedLoader[] = []
    for (const manifest of manifests) {
      const stem = String(manifest)
        .split(/[\\/]/)
        .at(-1)!
        .replace(/\.[^.]*$/, '')
      let name = stem
      for (let i = 2; loaders.some((other) => other.name === name); i++) name = `${stem}_${i}`
      loaders.push({ name, loader: await this.createDataLoader({ ...config, manifest_filepath: manifest }, purpose) })
    }
    return loaders
  }

  /**
   * Makes the optimiser and its learning-rate policy from the config's `optim` section.
   *
   * @param config - Default `cfg.optim`.
   * @param maxSteps - Optimiser steps of the whole run, for policies that need it and whose config does not say.
   * @throws ModelError if there is no such section.
   */
  setupOptimization(config?: ConfigObject, maxSteps?: number): Optimization {
    const optim = config ?? (isConfigObject(this.cfg.optim) ? this.cfg.optim : undefined)
    if (!optim)
      throw new ModelError(
        `${this.constructor.name}: the config has no optim section. Add e.g. optim: { name: novograd, lr: 0.01 }.`,
      )
    const { sched, ...rest } = optim
    const optimizer = createOptimizer(rest as unknown as OptimizerConfig)
    const lr = Number(rest.lr ?? 1e-3)
    const scheduler = createScheduler(
      (isConfigObject(sched) ? sched : undefined) as SchedulerConfig | undefined,
      lr,
      maxSteps,
    )
    return { optimizer, scheduler }
  }

  /** Puts a file into `.nemo` archives that are saved from now on. */
  registerArtifact(name: string, contents: Uint8Array): void {
    this.#artifacts.set(name, contents)
  }

  /** Files that travel in the `.nemo` archive besides config and weights. */
  get artifacts(): ReadonlyMap<string, Uint8Array> {
    return this.#artifacts
  }

  /** Writes config, weights and artifacts as a `.nemo` archive, atomically. NeMo's `save_to`. */
  async saveTo(path: string): Promise<void> {
    const weights = new OrderedDict<string, TensorData>(await this.stateDict())
    const config = stringifyYaml({ ...this.cfg, target: this.target })
    await atomicWriteFile(path, packNemo({ config, weights: weights as never, artifacts: this.#artifacts }))
  }

  /**
   * Reads a `.nemo` archive, of NeMo or ours. Called on `Model` itself, the class is found by the archive's `target`.
   *
   * @param source - Path, or the archive's bytes.
   * @throws ModelError if the archive holds another kind of model; all that `readNemo` throws.
   */
  static async restoreFrom<M extends Model>(
    this: (abstract new (cfg: ConfigObject) => M) | ModelClass<M>,
    source: string | Uint8Array,
    options: RestoreOptions = {},
  ): Promise<M> {
    const archive = await readNemo(source)
    const parsed = parseYaml(archive.config, typeof source === 'string' ? source : 'model_config.yaml')
    if (!isConfigObject(parsed)) throw new ModelError('model_config.yaml: expected a mapping.')
    const resolved = new Config(parsed).toObject()
    const config = options.overrideConfig ? options.overrideConfig(resolved) : resolved
    const target = typeof config.target === 'string' ? config.target : undefined
    const model =
      (this as unknown) === Model
        ? (resolveTarget(target ?? '', 'target').factory({ cfg: config }) as M)
        : new (this as ModelClass<M>)(config)
    for (const [name, contents] of archive.artifacts) model.registerArtifact(name, contents)
    model.loadStateDict(archive.weights as unknown as ReadonlyMap<string, TensorData>, {
      strict: options.strict ?? true,
    })
    return model.eval()
  }

  /** Makes a model with fresh weights from its config. NeMo's `from_config_dict`. */
  static fromConfigDict<M extends Model>(this: ModelClass<M>, config: ConfigObject): M {
    return new this(config)
  }
}
