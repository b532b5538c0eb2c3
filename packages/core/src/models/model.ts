import type { Runtime, Tensor, TensorData } from '@nemo/graph'
import { atomicWriteFile } from '../checkpoint/atomicWriteFile.js'
import { packNemo, readNemo } from '../checkpoint/nemoArchive.js'
import { OrderedDict, type PythonValue } from '../checkpoint/pythonValue.js'
import { readTorchFile } from '../checkpoint/readTorch.js'
import { asStateDict } from '../checkpoint/stateDict.js'
import { lightningModules } from '../checkpoint/torchGlobals.js'
import { Config } from '../config/config.js'
import type { ConfigObject } from '../config/configValue.js'
import { isConfigObject } from '../config/configValue.js'
import { atKeyPath } from '../config/errors.js'
import { mergeConfigs } from '../config/mergeConfigs.js'
import { parseYaml } from '../config/parseYaml.js'
import { stringifyYaml } from '../config/stringifyYaml.js'
import { resolveTarget, targetRegistry } from '../config/targetRegistry.js'
import type { DataLoader } from '../data/dataLoader.js'
import { NeuralModule } from '../modules/neuralModule.js'
import { portsOf } from '../neuralTypes/ports.js'
import {
  type Optimization,
  parameterGroups,
  type UpdateRule,
  withGroupSettings,
} from '../optimizers/parameterGroups.js'
import { createOptimizer, type OptimizerConfig } from '../optimizers/registry.js'
import { createScheduler, type SchedulerConfig } from '../schedulers/registry.js'
import { ModelError } from './errors.js'
import { fromPython } from './hyperParameters.js'
import type { MetricAccumulator } from './metrics.js'
import type { OptimizerTurn, TrainingStep } from './optimizerTurn.js'
import {
  type FetchOptions,
  fetchPretrained,
  findPretrained,
  type PretrainedModelInfo,
  pretrainedModels,
} from './pretrained.js'

/** A data loader under a name, as validation and test sets have. */
export interface NamedLoader {
  readonly name: string
  readonly loader: DataLoader
  /** Whether this is the set that plain names such as `val_loss` mean. Default: the first one. */
  readonly main?: boolean
}

export type { Optimization } from '../optimizers/parameterGroups.js'
export type { OptimizerTurn, TrainingStep } from './optimizerTurn.js'

/** A concrete model class. */
export interface ModelClass<M extends Model> {
  new (cfg: ConfigObject): M
}

/** Options of `restoreFrom`. */
export interface RestoreOptions {
  /** Config to use instead of the archive's, or what to make of it. */
  readonly overrideConfig?: ConfigObject | ((config: ConfigObject) => ConfigObject)
  /** Every weight must be there and no other. Default true. */
  readonly strict?: boolean
}

// Files of the archive that a model is being made from, for its constructor.
let restoring: ReadonlyMap<string, Uint8Array> = new Map()

function withArtifacts<T>(artifacts: ReadonlyMap<string, Uint8Array>, make: () => T): T {
  const outer = restoring
  restoring = artifacts
  try {
    return make()
  } finally {
    restoring = outer
  }
}

/**
 * A network with its losses, data and optimisation, made from a config.
 *
 * Source: NeMo v1.0.0 `nemo.core.classes.modelPT.ModelPT`.
 */
export abstract class Model extends NeuralModule {
  #cfg: ConfigObject
  /** NeMo's dotted name of the class, written into `.nemo` files. */
  abstract readonly target: string
  trainingLoader: DataLoader | undefined
  validationLoaders: readonly NamedLoader[] = []
  testLoaders: readonly NamedLoader[] = []
  readonly #artifacts: Map<string, Uint8Array>

  /** Subclasses find the files of a `.nemo` archive that they are restored from in `artifacts`. */
  constructor(cfg: ConfigObject) {
    super()
    this.#cfg = cfg
    this.#artifacts = new Map(restoring)
  }

  /** The model's own config (the `model` section of a recipe's), interpolations resolved. */
  get cfg(): ConfigObject {
    return this.#cfg
  }

  /** Merges changes of the model, such as other labels, into its config, which `.nemo` files carry. */
  protected changeConfig(...changes: readonly ConfigObject[]): void {
    this.#cfg = mergeConfigs(this.#cfg, ...changes)
  }

  /** Draws one training step from a batch's ports. */
  abstract trainingStep(batch: Readonly<Record<string, Tensor>>): TrainingStep

  /** Draws one evaluation step: the tensors that `validationMetrics` reads, `loss` among them if there is one. */
  abstract validationStep(batch: Readonly<Record<string, Tensor>>): Readonly<Record<string, Tensor>>

  /** Draws one test step. Default: the validation step. */
  testStep(batch: Readonly<Record<string, Tensor>>): Readonly<Record<string, Tensor>> {
    return this.validationStep(batch)
  }

  /** Draws one step of `Trainer.predict`. Default: `forward` of those ports of the batch that the model declares. */
  predictStep(batch: Readonly<Record<string, Tensor>>): Readonly<Record<string, Tensor>> {
    const { inputs } = portsOf(this)
    const given = Object.entries(batch).filter(([name]) => !inputs || name in inputs)
    return this.forward(Object.fromEntries(given)) as Readonly<Record<string, Tensor>>
  }

  /**
   * What the outputs of `predictStep` mean, one entry per sample of a batch: transcripts, say. They become the `results` of
   * `Trainer.predict`. Default: none.
   */
  predictedResults(
    _outputs: Readonly<Record<string, TensorData>>,
    _runtime: Runtime,
  ): readonly unknown[] | Promise<readonly unknown[]> {
    return []
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

  /**
   * Sets a validation set for each manifest of a list. They are named after their files as NeMo does: `dev-other_manifest.json`
   * logs `dev_other_val_loss`. `val_dl_idx` says which one `val_loss` means (default the first); `ds_item` names another
   * key than `manifest_filepath` that holds the list.
   */
  async setupMultipleValidationData(config: ConfigObject): Promise<void> {
    this.validationLoaders = await this.#loaders(config, 'validation', 'val')
  }

  /** Sets a test set for each manifest of a list; see `setupMultipleValidationData`. */
  async setupMultipleTestData(config: ConfigObject): Promise<void> {
    this.testLoaders = await this.#loaders(config, 'test', 'test')
  }

  async #loaders(config: ConfigObject, purpose: 'validation' | 'test', single: string): Promise<NamedLoader[]> {
    const { val_dl_idx, ds_item, ...settings } = config
    const key = typeof ds_item === 'string' ? ds_item : 'manifest_filepath'
    const sources = settings[key]
    if (!Array.isArray(sources)) return [{ name: single, loader: await this.createDataLoader(settings, purpose) }]
    const main = Number(val_dl_idx ?? 0)
    if (!Number.isInteger(main) || main < 0 || main >= sources.length)
      throw new ModelError(`val_dl_idx: expected a whole number below ${sources.length}, found ${String(val_dl_idx)}.`)
    const loaders: NamedLoader[] = []
    for (const [i, source] of sources.entries()) {
      const plain = dataSetName(String(source))
      let name = plain
      for (let n = 2; loaders.some((other) => other.name === name); n++) name = `${plain}_${n}`
      const loader = await this.createDataLoader({ ...settings, [key]: source }, purpose)
      loaders.push({ name, loader, main: i === main })
    }
    return loaders
  }

  /**
   * Makes the optimiser and its learning-rate policy from the config's `optim` section, and those of the groups of
   * weights that `optim_param_groups` names.
   *
   * @param config - Default `cfg.optim`.
   * @param maxSteps - Optimiser steps of the whole run, for policies that need it and whose config does not say.
   * @throws ModelError if there is no such section, or no learning rate in it.
   */
  setupOptimization(config?: ConfigObject, maxSteps?: number): Optimization {
    const optim = config ?? (isConfigObject(this.cfg.optim) ? this.cfg.optim : undefined)
    if (!optim)
      throw new ModelError(
        `${this.constructor.name}: the config has no optim section. Add e.g. optim: { name: novograd, lr: 0.01 }.`,
      )
    const groups = parameterGroups(this.cfg.optim_param_groups, this.namedParameters(), (settings) =>
      updateRule(withGroupSettings(optim, settings), maxSteps),
    )
    const rule = updateRule(optim, maxSteps)
    return groups.length > 0 ? { ...rule, groups } : rule
  }

  /**
   * The optimisers that train the model, in turn where there are several, as in a GAN. Default: that of
   * `setupOptimization`, for all weights, and `trainingStep`.
   *
   * ```ts
   * override optimizerTurns(maxSteps?: number): OptimizerTurn[] {
   *   const turn = (name: string, module: NeuralModule, step: OptimizerTurn['step']) => ({
   *     name, step, weights: module.parameters(), optimization: this.setupOptimization(undefined, maxSteps),
   *   })
   *   return [
   *     turn('discriminator', this.discriminator, (batch) => this.discriminatorStep(batch)),
   *     turn('generator', this.generator, (batch) => this.trainingStep(batch)),
   *   ]
   * }
   * ```
   *
   * @param maxSteps - Steps of the whole run, if there is a limit; a turn with a `frequency` makes its share of them.
   */
  optimizerTurns(maxSteps?: number): readonly OptimizerTurn[] {
    const step = (batch: Readonly<Record<string, Tensor>>) => this.trainingStep(batch)
    return [{ name: '', optimization: this.setupOptimization(undefined, maxSteps), weights: this.parameters(), step }]
  }

  /** Puts a file into `.nemo` archives that are saved from now on. */
  registerArtifact(name: string, contents: Uint8Array): void {
    this.#artifacts.set(name, contents)
  }

  /** Leaves a file out of `.nemo` archives that are saved from now on. */
  protected dropArtifact(name: string): void {
    this.#artifacts.delete(name)
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
   * Reads a `.nemo` archive, of NeMo or ours. Called on `Model` itself, the class is found by the archive's `target`; called on
   * another class, that target is taken if it is a subclass.
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
    const where = typeof source === 'string' ? source : 'the archive'
    const parsed = parseYaml(archive.config, typeof source === 'string' ? source : 'model_config.yaml')
    if (!isConfigObject(parsed)) throw new ModelError(`${where}: model_config.yaml: expected a mapping.`)
    const saved = { where, config: parsed, weights: archive.weights, artifacts: archive.artifacts }
    return assemble(this, saved, options, 'restoreFrom')
  }

  /**
   * Reads weights and config from a checkpoint of a run (`*.ckpt`), of ours or of NeMo and Lightning. Called on `Model`
   * itself, the class is found by the config's `target`.
   *
   * @throws ModelError if the checkpoint has no config and `overrideConfig` gives none; all that `readTorchFile` throws.
   */
  static async loadFromCheckpoint<M extends Model>(
    this: (abstract new (cfg: ConfigObject) => M) | ModelClass<M>,
    path: string,
    options: RestoreOptions = {},
  ): Promise<M> {
    const contents = await readTorchFile(path, { opaque: lightningModules })
    const entry = (holder: PythonValue | undefined, key: string): PythonValue | undefined =>
      holder instanceof Map ? (holder as ReadonlyMap<PythonValue, PythonValue>).get(key) : undefined
    const weights = asStateDict(entry(contents, 'state_dict') ?? null, `${path}: state_dict`)
    const config = fromPython(entry(entry(contents, 'hyper_parameters'), 'cfg'), 'hyper_parameters.cfg')
    if (!isConfigObject(config) && !isConfigObject(options.overrideConfig))
      throw new ModelError(`${path} holds no config (hyper_parameters.cfg); give one as overrideConfig.`)
    const saved = { where: path, config: isConfigObject(config) ? config : {}, weights, artifacts: new Map() }
    return assemble(this, saved, options, 'loadFromCheckpoint')
  }

  /**
   * Public models of this class and their addresses; of all classes on `Model` itself. NeMo's `list_available_models`.
   */
  static listAvailableModels(): readonly PretrainedModelInfo[] {
    const all = pretrainedModels()
    return (this as unknown) === Model ? all : all.filter(({ target }) => target.endsWith(`.${this.name}`))
  }

  /**
   * Downloads a public model, or takes it from the cache, and restores it. Called on `Model` itself, the class is that of
   * the name. NeMo's `from_pretrained`.
   *
   * @param name - A name of `listAvailableModels`.
   * @throws ModelError for an unknown name; UnknownTargetError if its class is not there (before anything is downloaded);
   * DownloadError, which says what to do without a network; all that `restoreFrom` throws.
   */
  static async fromPretrained<M extends Model>(
    this: (abstract new (cfg: ConfigObject) => M) | ModelClass<M>,
    name: string,
    { overrideConfig, strict, ...fetching }: RestoreOptions & FetchOptions = {},
  ): Promise<M> {
    const own = this as unknown as typeof Model
    const info = findPretrained(name, own.listAvailableModels())
    if (own === Model) resolveTarget(info.target, name)
    const path = await fetchPretrained(info, fetching)
    const restoring: RestoreOptions = {
      ...(overrideConfig !== undefined && { overrideConfig }),
      ...(strict !== undefined && { strict }),
    }
    return Model.restoreFrom.call(this, path, restoring) as Promise<M>
  }

  /**
   * Makes a model with fresh weights from its config. NeMo's `from_config_dict`.
   *
   * @param options.keyPath - Where the config stands in a larger one, for messages: `model` in a recipe's.
   * @throws ConfigError naming the key, as `model.encoder.jasper[0].filters`.
   */
  static fromConfigDict<M extends Model>(
    this: ModelClass<M>,
    config: ConfigObject,
    { keyPath = '' }: { readonly keyPath?: string } = {},
  ): M {
    return atKeyPath(keyPath, () => new this(config))
  }
}

// What a file says of a model.
interface SavedModel {
  readonly where: string
  readonly config: ConfigObject
  readonly weights: ReadonlyMap<string, unknown>
  readonly artifacts: ReadonlyMap<string, Uint8Array>
}

function assemble<M extends Model>(
  type: (abstract new (cfg: ConfigObject) => M) | ModelClass<M>,
  { where, config: written, weights, artifacts }: SavedModel,
  { overrideConfig, strict = true }: RestoreOptions,
  method: string,
): M {
  const resolved = new Config(written).toObject()
  const config = typeof overrideConfig === 'function' ? overrideConfig(resolved) : (overrideConfig ?? resolved)
  const abstract = (type as unknown) === Model
  const target = config.target
  if (abstract && typeof target !== 'string') {
    throw new ModelError(
      `${where}: its config names no target, so its class is unknown. Call ${method} on the class itself.`,
    )
  }
  const make = (): unknown => {
    if (abstract) return resolveTarget(String(target), 'target').factory({ cfg: config })
    // An archive of a more special class than the one asked for, sub-words instead of characters, gives that class.
    if (typeof target === 'string' && !target.endsWith(`.${type.name}`) && targetRegistry.has(target)) {
      const special = targetRegistry.resolve(target).factory({ cfg: config })
      if (special instanceof type) return special
    }
    return new (type as ModelClass<M>)(config)
  }
  let model: unknown
  try {
    model = withArtifacts(artifacts, make)
    if (!(model instanceof Model)) throw new ModelError(`${where}: its target ${String(target)} is no model.`)
    for (const [name, contents] of artifacts) model.registerArtifact(name, contents)
    model.loadStateDict(weights as ReadonlyMap<string, TensorData>, { strict })
  } catch (cause) {
    // The likely reason for a config or weights that do not fit, where it is one.
    if (abstract || cause instanceof ModelError || typeof target !== 'string') throw cause
    const expected = model instanceof Model ? model.target : type.name
    if (target === expected || target.endsWith(`.${expected}`)) throw cause
    throw new ModelError(
      `${where} holds a ${target}, not a ${expected}: ${(cause as Error).message} Call ${method} on that class, or on Model.`,
      { cause },
    )
  }
  return model.eval() as M
}

function updateRule(optim: ConfigObject, maxSteps: number | undefined): UpdateRule {
  const { sched, ...rest } = optim
  const { name, lr } = rest
  if (typeof name !== 'string')
    throw new ModelError(`optim.name: expected the name of an optimiser, found ${String(name)}.`)
  const optimizer = createOptimizer(rest as unknown as OptimizerConfig)
  const none = optimizer.ownRate === true && (lr === undefined || lr === null)
  const rate = none ? 0 : lr
  if (typeof rate !== 'number' || !Number.isFinite(rate))
    throw new ModelError(`optim.lr: expected a learning rate (a number), found ${String(lr)}.`)
  const scheduler = createScheduler(
    (isConfigObject(sched) ? sched : undefined) as SchedulerConfig | undefined,
    rate,
    maxSteps,
  )
  return { optimizer, scheduler }
}

/** NeMo's name for the metrics of a data set: the stem of its file without `manifest` and `dataset`. */
function dataSetName(source: string): string {
  const stem = source
    .split(/[\\/]/)
    .at(-1)!
    .replace(/\.[^.]*$/, '')
  const name = stem
    .replaceAll('-', '_')
    .replace(/manifest|dataset/g, '')
    .replace(/_+$/, '')
  return name === '' ? stem : name
}
