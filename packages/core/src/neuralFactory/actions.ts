import type { Parameter, Runtime, Tensor, TensorData } from '@nemo/graph'
import { readTorchFile } from '../checkpoint/readTorch.js'
import type { Logger } from '../logging/logger.js'
import type { MetricsLogger } from '../logging/metricsLogger.js'
import { NeuralModule } from '../modules/neuralModule.js'
import type { Optimizer } from '../optimizers/optimizer.js'
import { type FitResult, Trainer } from '../trainer/trainer.js'
import type { ActionCallback, RunningAction } from './actionCallback.js'
import { ActionHooks } from './actionHooks.js'
import { Dag, moduleName } from './dag.js'
import { DagModel, type DagTurn } from './dagModel.js'
import { batchValues, DagProgram } from './dagProgram.js'
import { NeuralFactoryError } from './errors.js'
import { type EvaluatingCallback, EvaluatorCallback } from './evaluatorCallback.js'
import { getCheckpointFromDir, restoreModuleFrom } from './moduleFile.js'
import {
  type LrPolicy,
  type OptimizationParams,
  optimizerOf,
  SkippingNan,
  schedulerOf,
  validateOptimizationParams,
} from './optimization.js'

/** An update rule with the weights that it moves; made by `createOptimizer`. */
export interface ModuleOptimizer {
  readonly optimizer: Optimizer
  readonly lr: number
  readonly parameters: ReadonlySet<Parameter>
}

/** A made optimiser and the tensors whose sum it minimises. */
export type OptimizerPair = readonly [ModuleOptimizer, readonly Tensor[]]

/** Arguments of `train`. */
export interface TrainOptions {
  /**
   * Tensors whose sum is minimised, as a rule one loss; or a made optimiser and its tensors; or several such pairs, which
   * take turns: each step is one of the next pair.
   */
  readonly tensorsToOptimize: readonly Tensor[] | OptimizerPair | readonly OptimizerPair[]
  /** `sgd`, `adam`, `adam_w` or `novograd`; not together with a made optimiser. */
  readonly optimizer?: string
  readonly optimizationParams: OptimizationParams
  readonly callbacks?: readonly ActionCallback[]
  /** Begins at each optimiser's own rate and goes by the steps of the whole training. Default: the rate stays. */
  readonly lrPolicy?: LrPolicy
  /** Batches whose gradients' mean makes one step. Default 1; several optimisers take no other. */
  readonly batchesPerStep?: number
  /** Stop with an error at a loss that is no number; otherwise leave its step out. Default false. */
  readonly stopOnNanLoss?: boolean
}

/** Arguments of `infer`. */
export interface InferOptions {
  readonly tensors: readonly Tensor[]
  /** Folder to take the newest weights of the modules from. Default: the weights stay. */
  readonly checkpointDir?: string
  /** Text that the checkpoints' names contain. Default: any. */
  readonly ckptPattern?: string
  /** Say which batch is being computed. Default true. */
  readonly verbose?: boolean
  /** Keep all tensors between the data layer and the end, for calls with `useCache`. Default false. */
  readonly cache?: boolean
  /** Take what an earlier call with `cache` kept instead of computing it; `tensors` are always computed. Default false. */
  readonly useCache?: boolean
  /** Modules to restore. Default: all with weights. */
  readonly modulesToRestore?: NeuralModule | readonly NeuralModule[]
}

/** What an action works with; the factory's. */
export interface ActionSurroundings {
  readonly runtime: Runtime
  readonly seed: number
  readonly logger: Logger
  readonly tbWriter?: MetricsLogger | undefined
}

/**
 * The actions on graphs of module calls: train, evaluate, infer. Nothing is computed before an action is called.
 *
 * Source: NeMo v0.9.0 `PtActions`. Differences: with `batchesPerStep` gradients are averaged on every device (NeMo adds them
 * up unless it is distributed); a step that is left out because of NaN counts as a step; tensors that callbacks look at are
 * computed in each step.
 */
export class Actions implements RunningAction {
  /** See `RunningAction.step`. */
  step = 0
  epochNum = 0
  readonly #surroundings: ActionSurroundings
  #modules: readonly NeuralModule[] = []
  #trainer: Trainer | undefined
  #trained = false
  #resumeFrom: string | undefined
  readonly #programs = new Map<readonly Tensor[], { readonly dag: Dag; readonly program: DagProgram }>()
  #cache: readonly ReadonlyMap<Tensor, TensorData>[] | undefined

  constructor(surroundings: ActionSurroundings) {
    this.#surroundings = surroundings
  }

  get logger(): Logger {
    return this.#surroundings.logger
  }

  get modules(): readonly NeuralModule[] {
    return this.#modules
  }

  /**
   * Trains.
   *
   * @throws NeuralFactoryError for graphs or arguments that cannot work; ConfigValidationError for wrong
   * `optimizationParams`; what the trainer throws.
   */
  async train(options: TrainOptions): Promise<FitResult> {
    const { callbacks = [], lrPolicy, batchesPerStep = 1, stopOnNanLoss = false } = options
    const params = validateOptimizationParams(options.optimizationParams)
    if (params.num_epochs == null && params.max_steps == null)
      throw new NeuralFactoryError('optimizationParams: give num_epochs or max_steps, or both.')
    if (this.#trained)
      throw new NeuralFactoryError(
        'This factory has trained already; its step count and optimiser are used up. Pass reset: true, or call resetTrainer().',
      )
    const pairs = this.#whatToOptimize(options)
    const looked = callbacks.flatMap(({ tensors }) => tensors)
    const dag = new Dag([...new Set([...pairs.flatMap(([, losses]) => losses), ...looked])])
    const evaluations = callbacks.flatMap((callback) => (callback instanceof EvaluatorCallback ? [callback] : []))
    this.#modules = [
      ...new Set([...dag.modules, ...evaluations.flatMap(({ evalTensors }) => new Dag(evalTensors).modules)]),
    ]
    const loader = dag.dataLayer.dataLoader
    const stepsPerEpoch = Math.floor(loader.length / batchesPerStep)
    if (stepsPerEpoch === 0)
      throw new NeuralFactoryError(
        `${moduleName(dag.dataLayer)} gives ${loader.length} batches an epoch, fewer than one step takes (${batchesPerStep}).`,
      )
    const maxSteps = Math.min(params.max_steps ?? Infinity, (params.num_epochs ?? Infinity) * stepsPerEpoch)
    const turns = pairs.map(([{ optimizer, lr, parameters }, losses], i): DagTurn => {
      const scheduler = schedulerOf(lrPolicy, lr, { stepsPerEpoch, maxSteps })
      return {
        dag: new Dag([...new Set([...losses, ...looked])]),
        losses,
        parameters,
        optimization: {
          optimizer: stopOnNanLoss ? optimizer : new SkippingNan(optimizer),
          // The optimiser's own steps are every so manieth of the training.
          scheduler: { name: scheduler.name, lr: (step) => scheduler.lr(step * pairs.length + i) },
        },
      }
    })
    const model = new DagModel(turns, this.#modules)
    const { runtime, seed, tbWriter } = this.#surroundings
    const trainer = new Trainer(
      {
        max_epochs: params.num_epochs ?? null,
        max_steps: params.max_steps ?? null,
        accumulate_grad_batches: batchesPerStep,
        gradient_clip_val: params.grad_norm_clip ?? 0,
        terminate_on_nan: stopOnNanLoss,
        // The last batches of an epoch, too few for a step, are left out.
        limit_train_batches: stepsPerEpoch * batchesPerStep,
        num_sanity_val_steps: 0,
        log_every_n_steps: 1,
        seed,
      },
      { runtime, callbacks: [learningRateWriter(tbWriter), new ActionHooks(callbacks, this, dag.ends)] },
    )
    this.#trained = true
    this.#trainer = trainer
    try {
      for (const callback of callbacks) callback.action = this
      for (const callback of callbacks) await callback.onActionStart()
      return await trainer.fit(model, this.#resumeFrom === undefined ? {} : { checkpoint: this.#resumeFrom })
    } finally {
      this.#trainer = undefined
      this.#resumeFrom = undefined
      await this.#disposePrograms()
    }
  }

  #whatToOptimize({
    tensorsToOptimize: wanted,
    optimizer: name,
    optimizationParams,
    batchesPerStep = 1,
  }: TrainOptions): readonly OptimizerPair[] {
    if (wanted.length === 0)
      throw new NeuralFactoryError('tensorsToOptimize: expected at least one tensor, found none.')
    if (areTensors(wanted)) {
      if (name === undefined) throw new NeuralFactoryError('optimizer: expected a name such as novograd, found none.')
      return [[this.createOptimizer(name, wanted, optimizationParams), wanted]]
    }
    const pairs = isPair(wanted) ? [wanted] : wanted
    if (!pairs.every((pair) => Array.isArray(pair)))
      throw new NeuralFactoryError(
        'tensorsToOptimize: expected tensors, or pairs of an optimiser and its tensors; found both.',
      )
    if (new Set(pairs.map(([made]) => made.optimizer)).size < pairs.length)
      throw new NeuralFactoryError(
        'tensorsToOptimize: one optimiser is in several pairs. Make one for each: they count their steps.',
      )
    if (name !== undefined)
      throw new NeuralFactoryError('optimizer: an optimiser was made by createOptimizer already; leave the name out.')
    if (pairs.length > 1 && batchesPerStep !== 1)
      throw new NeuralFactoryError(
        `batchesPerStep: expected 1 where ${pairs.length} optimisers take turns, found ${batchesPerStep}.`,
      )
    return pairs
  }

  /**
   * Makes an optimiser.
   *
   * @param optimizer - `sgd`, `adam`, `adam_w` or `novograd`.
   * @param thingsToOptimize - Modules whose weights it moves; of tensors, the modules of the graph that leads to them.
   */
  createOptimizer(
    optimizer: string,
    thingsToOptimize: NeuralModule | readonly (NeuralModule | Tensor)[],
    optimizerParams: OptimizationParams,
  ): ModuleOptimizer {
    const params = validateOptimizationParams(optimizerParams)
    if (params.lr === undefined)
      throw new NeuralFactoryError('optimizationParams.lr: expected a learning rate, found none.')
    const things = thingsToOptimize instanceof NeuralModule ? [thingsToOptimize] : thingsToOptimize
    const tensors = things.filter((thing): thing is Tensor => !(thing instanceof NeuralModule))
    const modules = [
      ...things.filter((thing) => thing instanceof NeuralModule),
      ...(tensors.length > 0 ? new Dag(tensors).modules : []),
    ]
    const parameters = new Set(modules.flatMap((module) => module.parameters()))
    return { optimizer: optimizerOf(optimizer, params), lr: params.lr, parameters }
  }

  /** Runs evaluation callbacks once. @throws NeuralFactoryError without any. */
  async eval(callbacks: readonly EvaluatingCallback[]): Promise<void> {
    if (callbacks.length === 0)
      throw new NeuralFactoryError('eval: expected at least one EvaluatorCallback, found none.')
    try {
      for (const callback of callbacks) {
        callback.action = this
        await callback.onActionEnd()
      }
    } finally {
      await this.#disposePrograms()
    }
  }

  async evaluate(
    tensors: readonly Tensor[],
    onBatch: (values: ReadonlyMap<Tensor, TensorData>) => unknown,
  ): Promise<void> {
    let made = this.#programs.get(tensors)
    if (!made) {
      const dag = new Dag(tensors)
      made = { dag, program: await DagProgram.build(dag, this.#surroundings.runtime) }
      this.#programs.set(tensors, made)
    }
    for await (const { values, position } of this.#batches(made.dag))
      await onBatch(await made.program.run(values, { seed: this.#surroundings.seed, step: position }))
  }

  async *#batches(dag: Dag): AsyncGenerator<{ position: number; values: Map<Tensor, TensorData> }> {
    const { dataLoader } = dag.dataLayer
    for await (const { position, batch } of dataLoader.epoch(0))
      if (batch) yield { position, values: batchValues(dag, batch.arrays) }
    for (const line of dataLoader.dataset.problems?.() ?? []) this.logger.warning(line)
  }

  async #disposePrograms(): Promise<void> {
    for (const { program } of this.#programs.values()) await program.dispose()
    this.#programs.clear()
  }

  /**
   * Computes tensors over all batches, in evaluation mode.
   *
   * @returns for each tensor its values, one per batch.
   * @throws NeuralFactoryError for a cache that is full, empty or of another graph; for checkpoints that are not there.
   */
  async infer(options: InferOptions): Promise<TensorData[][]> {
    const { tensors, verbose = true, cache = false, useCache = false } = options
    if (cache && useCache)
      throw new NeuralFactoryError('infer: cache fills the cache and useCache reads it; give one of them.')
    if (cache && this.#cache) throw new NeuralFactoryError('infer: the cache is full; call clearCache() first.')
    if (useCache && !this.#cache)
      throw new NeuralFactoryError('infer: the cache is empty; call with cache: true first.')
    const wanted = new Dag(tensors)
    if (options.checkpointDir !== undefined) await this.#restore(wanted, options.checkpointDir, options)
    const dag = cache ? new Dag([...new Set([...tensors, ...wanted.tensors])]) : wanted
    const cached = useCache ? [...this.#cache![0]!.keys()].filter((tensor) => !tensors.includes(tensor)) : []
    if (useCache && !wanted.tensors.some((tensor) => cached.includes(tensor)))
      throw new NeuralFactoryError('infer: the cache holds nothing of the graph that leads to these tensors.')
    const program = await DagProgram.build(dag, this.#surroundings.runtime, cached)
    const results: TensorData[][] = tensors.map(() => [])
    const kept: Map<Tensor, TensorData>[] = []
    const total = useCache ? this.#cache!.length : dag.dataLayer.dataLoader.length
    const every = total < 10 ? 1 : Math.floor(total / 10)
    try {
      for await (const { values, position } of useCache ? fromCache(this.#cache!) : this.#batches(dag)) {
        if (verbose && position % every === 0) this.logger.info(`Evaluating batch ${position} out of ${total}`)
        const computed = await program.run(values, { seed: this.#surroundings.seed, step: position })
        for (const [i, tensor] of tensors.entries()) results[i]!.push(computed.get(tensor)!)
        if (cache) kept.push(new Map([...values, ...computed]))
      }
    } finally {
      await program.dispose()
    }
    if (cache) this.#cache = kept
    return results
  }

  async #restore(dag: Dag, folder: string, { ckptPattern, modulesToRestore }: InferOptions): Promise<void> {
    const chosen = modulesToRestore instanceof NeuralModule ? [modulesToRestore] : modulesToRestore
    const modules = chosen ?? dag.modules.filter(({ numWeights }) => numWeights > 0)
    const empty = modules.find(({ numWeights }) => numWeights === 0)
    if (empty) throw new NeuralFactoryError(`modulesToRestore: ${moduleName(empty)} has no weights.`)
    const files = await getCheckpointFromDir(modules.map(moduleName), folder, ckptPattern)
    for (const [i, module] of modules.entries()) {
      this.logger.info(`Restoring ${moduleName(module)} from ${files[i]}`)
      await restoreModuleFrom(module, files[i]!)
    }
  }

  /** Forgets what `infer` has kept. */
  clearCache(): void {
    this.#cache = undefined
  }

  async saveStateTo(path: string): Promise<void> {
    if (!this.#trainer) throw new NeuralFactoryError('The state of a training can be saved only while it runs.')
    await this.#trainer.saveCheckpoint(path)
  }

  async restoreStateFrom(path: string): Promise<void> {
    const contents = await readTorchFile(path)
    if (!(contents instanceof Map) || !contents.has('nemo_ts'))
      throw new NeuralFactoryError(
        `${path} was not written by this trainer; steps, data order and optimiser state start anew.`,
      )
    this.#resumeFrom = path
  }
}

type Wanted = TrainOptions['tensorsToOptimize']

const isTensor = (thing: object): boolean => 'node' in thing

function areTensors(wanted: Wanted): wanted is readonly Tensor[] {
  return wanted.every((thing) => isTensor(thing))
}

function isPair(wanted: OptimizerPair | readonly OptimizerPair[]): wanted is OptimizerPair {
  return 'parameters' in wanted[0]!
}

function learningRateWriter(tbWriter: MetricsLogger | undefined) {
  return {
    onLog: (_trainer: Trainer, { learning_rate }: Readonly<Record<string, number>>, step: number) => {
      if (learning_rate !== undefined) tbWriter?.logMetrics({ 'param/lr': learning_rate }, step - 1)
    },
  }
}

async function* fromCache(
  cache: readonly ReadonlyMap<Tensor, TensorData>[],
): AsyncGenerator<{ position: number; values: ReadonlyMap<Tensor, TensorData> }> {
  for (const [position, values] of cache.entries()) yield { position, values }
}
