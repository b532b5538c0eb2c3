import { ort, type Runtime, type Tensor, type TensorData } from '@nemo/graph'
import { resolveTarget } from '../config/targetRegistry.js'
import { getLogger, type Logger } from '../logging/logger.js'
import type { TensorBoardLogger } from '../logging/tensorBoardLogger.js'
import { NeuralModule } from '../modules/neuralModule.js'
import { seedInitialisation } from '../modules/randomGenerator.js'
import type { FitResult } from '../trainer/trainer.js'
import { Actions, type InferOptions, type ModuleOptimizer, type TrainOptions } from './actions.js'
import { type DeploymentExportOptions, deploymentExport } from './deploymentExport.js'
import { NeuralFactoryError } from './errors.js'
import type { EvaluatingCallback } from './evaluatorCallback.js'
import { type FactoryFolder, type FactoryFolderOptions, makeFactoryFolder } from './factoryFolder.js'
import type { OptimizationParams } from './optimization.js'

/** Devices that modules run on. */
export const DeviceType = {
  /** ONNX Runtime on the processor. */
  CPU: 'CPU',
  /** ONNX Runtime's `cuda` execution provider. */
  GPU: 'GPU',
} as const
export type DeviceType = (typeof DeviceType)[keyof typeof DeviceType]

/** Precision of training; NeMo's names. There is float32 only. */
export const OptimizationLevel = { mxprO0: 'O0' } as const
export type OptimizationLevel = (typeof OptimizationLevel)[keyof typeof OptimizationLevel]

/** Options of a `NeuralModuleFactory`. */
export interface NeuralModuleFactoryOptions extends FactoryFolderOptions {
  /** Where programs run. Default `CPU`, which every machine has; NeMo's default is `GPU`. */
  readonly placement?: DeviceType
  /** Another executor, such as `webgpu()` of @nemo/kernels; in place of `placement`. */
  readonly runtime?: Runtime
  readonly optimizationLevel?: OptimizationLevel
  /** Fixes initial weights of modules that are made from now on, dropout and augmentation. Default 0. */
  readonly randomSeed?: number
}

/** Which module `getModule` makes. */
export interface GetModuleOptions {
  /** Class: `JasperEncoder`. */
  readonly name: string
  /** `nemo_asr`, `nemo_nlp`, `nemo_tts`, `tutorials`, `common`, or a folder of `nemo.collections`. */
  readonly collection: string
  /** Its settings; NeMo's keys. */
  readonly params?: Readonly<Record<string, unknown>>
}

/**
 * NeMo's first API. Calling modules on the outputs of a data layer draws a graph and computes nothing; the actions `train`,
 * `eval` and `infer` run it. There is one graph for training and any number for evaluation; they share modules, and so weights.
 *
 * ```ts
 * const nf = new NeuralModuleFactory()
 * const { x, y } = dataLayer.forward()
 * const { yPred } = net.forward({ x })
 * const { loss } = mse.forward({ predictions: yPred, target: y })
 * await nf.train({ tensorsToOptimize: [loss], optimizer: 'sgd', optimizationParams: { num_epochs: 3, lr: 0.0003 } })
 * ```
 *
 * Source: NeMo v0.9.0 `NeuralModuleFactory`. Arguments are camelCase; keys of `optimizationParams` and of modules' settings
 * keep NeMo's names. One process trains, on one device.
 */
export class NeuralModuleFactory {
  readonly placement: DeviceType
  readonly optimLevel: OptimizationLevel
  readonly runtime: Runtime
  readonly logger: Logger = getLogger('neuralFactory')
  readonly #folder: FactoryFolder
  readonly #seed: number
  readonly #ownsRuntime: boolean
  #actions: Actions

  /** @throws NeuralFactoryError for a TensorBoard writer without a `logDir`. */
  constructor(options: NeuralModuleFactoryOptions = {}) {
    const { placement = DeviceType.CPU, runtime, randomSeed } = options
    this.placement = placement
    this.optimLevel = options.optimizationLevel ?? OptimizationLevel.mxprO0
    this.#seed = randomSeed ?? 0
    if (randomSeed !== undefined) seedInitialisation(randomSeed)
    this.#ownsRuntime = runtime === undefined
    this.runtime =
      runtime ?? ort({ worker: true, ...(placement === DeviceType.GPU && { executionProviders: ['cuda'] }) })
    this.#folder = makeFactoryFolder(options)
    this.#actions = this.#newActions()
  }

  #newActions(): Actions {
    const { runtime, logger, tbWriter } = this
    return new Actions({ runtime, logger, tbWriter, seed: this.#seed })
  }

  /** Folder of logs, if there is one. */
  get workDir(): string | undefined {
    return this.#folder.workDir
  }

  /** Folder for checkpoints, if there is one. */
  get checkpointDir(): string | undefined {
    return this.#folder.checkpointDir
  }

  /** Writer of TensorBoard events, with `createTbWriter`. */
  get tbWriter(): TensorBoardLogger | undefined {
    return this.#folder.tbWriter
  }

  /** Processes that train together. */
  get worldSize(): number {
    return 1
  }

  /**
   * Trains on the graph that leads to `tensorsToOptimize`.
   *
   * @param options.reset - Begin with step 0 and a fresh optimiser, also if this factory has trained before; weights stay.
   */
  async train({ reset = false, ...options }: TrainOptions & { readonly reset?: boolean }): Promise<FitResult> {
    if (reset) this.resetTrainer()
    return this.#actions.train(options)
  }

  /** Runs each callback's evaluation once. */
  async eval({ callbacks }: { readonly callbacks: readonly EvaluatingCallback[] }): Promise<void> {
    await this.#actions.eval(callbacks)
  }

  /** Computes tensors over all batches of their data layer, in evaluation mode. @returns for each tensor its values, one per batch. */
  infer(options: InferOptions): Promise<TensorData[][]> {
    return this.#actions.infer(options)
  }

  /** Forgets what `infer` kept with `cache`. */
  clearCache(): void {
    this.#actions.clearCache()
  }

  /**
   * Makes an optimiser of some modules' weights, for `train({ tensorsToOptimize: [optimizer, [loss]] })`.
   *
   * @param options.thingsToOptimize - Modules, or tensors whose graphs' modules are meant.
   */
  createOptimizer(options: {
    readonly optimizer: string
    readonly thingsToOptimize: NeuralModule | readonly (NeuralModule | Tensor)[]
    readonly optimizerParams: OptimizationParams
  }): ModuleOptimizer {
    return this.#actions.createOptimizer(options.optimizer, options.thingsToOptimize, options.optimizerParams)
  }

  /** Writes a module as an ONNX or PyTorch file. */
  deploymentExport(options: DeploymentExportOptions): Promise<void> {
    return deploymentExport(options)
  }

  /**
   * Makes a module by its name. Its package must have been imported.
   *
   * @throws UnknownTargetError naming what is like it; NeuralFactoryError if the name is of something else.
   */
  async getModule({ name, collection, params = {} }: GetModuleOptions): Promise<NeuralModule> {
    const target = `${folders[collection] ?? `nemo.collections.${collection}`}.${name}`
    const module = await resolveTarget(target, 'getModule').factory({ ...params })
    if (!(module instanceof NeuralModule)) throw new NeuralFactoryError(`getModule: ${target} is no neural module.`)
    return module
  }

  /** Makes `train` begin anew: step 0, fresh optimiser. Weights stay. */
  resetTrainer(): void {
    this.#actions = this.#newActions()
  }

  /** Closes log and event files, and frees the runtime unless it was given; weights come home to their modules. */
  async close(): Promise<void> {
    this.#folder.close()
    if (this.#ownsRuntime) await this.runtime.dispose()
  }
}

// Collections that are not in nemo.collections.
const folders: Readonly<Record<string, string>> = {
  nemo_asr: 'nemo_asr',
  nemo_nlp: 'nemo_nlp',
  nemo_tts: 'nemo_tts',
  tutorials: 'nemo.tutorials',
  toys: 'nemo.tutorials',
  common: 'nemo.backends.pytorch.common',
}
