import type { TensorData } from '@nemo/graph'
import type { DataLoader } from '../data/dataLoader.js'
import type { Batch } from '../data/dataset.js'
import type { MetricAccumulator } from '../models/metrics.js'
import type { Model, NamedLoader } from '../models/model.js'
import type { EvaluatedSets, Metrics } from './callback.js'
import type { CallbackList } from './callbackList.js'
import { TrainerError } from './errors.js'
import { EvaluationLoop, type Purpose } from './evaluationLoop.js'
import type { RunLimits } from './runLimits.js'
import type { Trainer } from './trainer.js'
import type { WeightAverage } from './weightAverage.js'

/** What a model made of one batch. */
export interface Prediction<Result = unknown> {
  /** The tensors of `predictStep`, by name. */
  readonly outputs: Readonly<Record<string, TensorData>>
  /** What the outputs mean, one entry per sample, such as texts; empty for models of which the outputs are all. */
  readonly results: readonly Result[]
  /** What the dataset says of the batch's samples, in the order of the batch axis. */
  readonly samples: Batch['samples']
}

/** What predictions of a model mean: transcripts of a recogniser are strings. */
export type PredictedResult<M extends Model> = Awaited<ReturnType<M['predictedResults']>>[number]

/** The data that `fit` trains on. */
export interface TrainingData {
  readonly loader: DataLoader
  /** Batches of an epoch. */
  readonly batches: number
}

/** Validates, tests and predicts, for a trainer. */
export class Evaluator {
  /** What is being trained on, while `fit` runs; evaluations keep their programs until then. */
  training: TrainingData | undefined
  readonly #trainer: Trainer
  readonly #callbacks: CallbackList
  readonly #limits: RunLimits
  readonly #loop: EvaluationLoop

  constructor(trainer: Trainer, callbacks: CallbackList, limits: RunLimits) {
    this.#trainer = trainer
    this.#callbacks = callbacks
    this.#limits = limits
    this.#loop = new EvaluationLoop(trainer.runtime)
  }

  /** What `fit` validates on: nothing where limit_val_batches is 0, the training data when overfitting. */
  validationLoaders(model: Model): readonly NamedLoader[] {
    const { limit_val_batches, overfit_batches } = this.#trainer.config
    const [first] = model.validationLoaders
    if (!first || limit_val_batches === 0) return []
    const overfits = overfit_batches > 0 && this.#limits.fastBatches === 0
    return overfits ? [{ name: first.name, loader: this.training!.loader }] : model.validationLoaders
  }

  /** Validates a few batches, to find mistakes before training. */
  async sanityCheck(model: Model): Promise<void> {
    const most = this.#limits.sanityBatches
    if (most === 0) return
    for (const named of this.validationLoaders(model)) {
      const batches = Math.min(most, this.#batches(named.loader, 'validation'))
      const gathered = await this.#evaluate(model, named, 'validation', batches)
      if (!gathered) return
      gathered.compute()
    }
  }

  /** Validates while training. @returns undefined if a signal cut it short. */
  validateDuringFit(model: Model): Promise<Metrics | undefined> {
    return this.#evaluateAll(model, this.validationLoaders(model), 'validation')
  }

  /** Evaluates sets of data. @throws TrainerError without any. */
  async evaluate(model: Model, loaders: readonly NamedLoader[], purpose: 'validation' | 'test'): Promise<Metrics> {
    if (loaders.length === 0) throw new TrainerError(`${model.constructor.name} has no ${purpose} data.`)
    return this.#alone(model, async () => {
      try {
        const metrics = (await this.#evaluateAll(model, loaders, purpose)) ?? {}
        Object.assign(this.#trainer.callbackMetrics, metrics)
        return metrics
      } finally {
        if (!this.training) for (const { loader } of loaders) await loader.close()
      }
    })
  }

  /** See `Trainer.predict`. */
  async predict<M extends Model>(model: M, loader: DataLoader): Promise<Prediction<PredictedResult<M>>[]> {
    const batches = this.#batches(loader, 'predict')
    return this.#alone(model, async () => {
      const predictions: Prediction<PredictedResult<M>>[] = []
      await this.#callbacks.call('onPredictStart', model, batches)
      const data = { set: 'the data', loader, batches }
      for await (const { position, batch, outputs } of this.#loop.run(model, data, 'predict', this.averages)) {
        if (batch) {
          const results = await model.predictedResults(outputs, this.#trainer.runtime)
          predictions.push({ outputs, results: results as PredictedResult<M>[], samples: batch.samples })
        }
        await this.#callbacks.call('onPredictBatchEnd', model, position)
      }
      return predictions
    })
  }

  /** What evaluations read in place of weights. */
  get averages(): WeightAverage['averages'] | undefined {
    const average = this.#callbacks.weightAverage()
    return average?.evaluates ? average.averages : undefined
  }

  /** Ends what was kept while training. */
  async dispose(): Promise<void> {
    this.training = undefined
    await this.#loop.dispose()
  }

  #batches(loader: DataLoader, purpose: Purpose): number {
    const { training } = this
    if (loader === training?.loader && this.#limits.fastBatches === 0) return training.batches
    return this.#limits.evaluationBatches(loader.length, purpose)
  }

  async #alone<T>(model: Model, work: () => Promise<T>): Promise<T> {
    model.nameParameters()
    try {
      return await work()
    } finally {
      if (!this.training) await this.#loop.dispose()
    }
  }

  async #evaluateAll(
    model: Model,
    loaders: readonly NamedLoader[],
    purpose: 'validation' | 'test',
  ): Promise<Metrics | undefined> {
    const prefix = purpose === 'validation' ? 'val' : 'test'
    const metrics: Record<string, number> = {}
    const batches = loaders.map(({ loader }) => this.#batches(loader, purpose))
    const all = batches.reduce((total, count) => total + count, 0)
    await this.#callbacks.call('onValidationStart', model, all)
    let done = 0
    const sets: EvaluatedSets['sets'][number][] = []
    for (const [i, named] of loaders.entries()) {
      const gathered = await this.#evaluate(model, named, purpose, batches[i]!, async () => {
        await this.#callbacks.call('onValidationBatchEnd', model, done)
        done++
      })
      if (!gathered) return undefined
      sets.push({ name: named.name, metrics: gathered })
      for (const [key, value] of Object.entries(gathered.compute())) {
        // The first set, or the one that val_dl_idx names, is what `val_loss` means; NeMo names all sets when there are several.
        if (named.main ?? i === 0) metrics[`${prefix}_${key}`] = value
        if (loaders.length > 1) metrics[`${named.name}_${prefix}_${key}`] = value
      }
    }
    await this.#callbacks.call('onEvaluationEnd', model, { purpose, sets })
    return metrics
  }

  /** @returns undefined if a signal came meanwhile. */
  async #evaluate(
    model: Model,
    { name, loader }: NamedLoader,
    purpose: Purpose,
    batches: number,
    afterBatch?: () => Promise<void>,
  ): Promise<MetricAccumulator | undefined> {
    const accumulator = model.validationMetrics()
    const data = { set: name, loader, batches }
    for await (const { batch, outputs } of this.#loop.run(model, data, purpose, this.averages)) {
      if (batch) await accumulator.update(outputs, batch, this.#trainer.runtime)
      await afterBatch?.()
      if (this.#trainer.interrupted) return undefined
    }
    if (loader !== this.training?.loader) await this.#callbacks.sayProblems(loader, name)
    return accumulator
  }
}
