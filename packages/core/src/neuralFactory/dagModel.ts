import { add, type Parameter, reduceSum, type Tensor } from '@nemo/graph'
import type { DataLoader } from '../data/dataLoader.js'
import type { MetricAccumulator } from '../models/metrics.js'
import { Model, type Optimization, type TrainingStep } from '../models/model.js'
import type { NeuralModule } from '../modules/neuralModule.js'
import { type Dag, moduleName, uniqueName } from './dag.js'
import { NeuralFactoryError } from './errors.js'

/**
 * A graph of module calls as the model that the trainer trains. All modules of the training graph and of the evaluation
 * graphs are its children.
 */
export class DagModel extends Model {
  readonly target = 'nemo.core.NeuralModuleFactory'
  /** Learning rates and update rule; set before training. */
  optimization: Optimization | undefined
  readonly #dag: Dag
  readonly #losses: readonly Tensor[]
  readonly #trained: ReadonlySet<Parameter>

  /**
   * @param dag - Graph of the losses and of what is looked at while training.
   * @param losses - Tensors of it whose sum is minimised.
   * @param modules - All modules that train or are evaluated.
   * @param trained - Weights that move.
   */
  constructor(dag: Dag, losses: readonly Tensor[], modules: Iterable<NeuralModule>, trained: ReadonlySet<Parameter>) {
    super({})
    this.#dag = dag
    this.#losses = losses
    this.#trained = trained
    for (const [name, module] of uniquelyNamed(modules)) this.addModule(name, module)
    this.trainingLoader = dag.dataLayer.dataLoader
  }

  override parameters(): Parameter[] {
    return super.parameters().filter((parameter) => this.#trained.has(parameter))
  }

  /** The graph's ends by their unique names. */
  forward(batch: Readonly<Record<string, Tensor>>): Record<string, Tensor> {
    return drawNamed(this.#dag, batch)
  }

  trainingStep(batch: Readonly<Record<string, Tensor>>): TrainingStep {
    const outputs = this.forward(batch)
    const losses = this.#losses.map((loss) => outputs[uniqueName(loss)]!)
    return {
      loss: losses.map((loss) => (loss.rank === 0 ? loss : reduceSum(loss))).reduce((a, b) => add(a, b)),
      outputs,
    }
  }

  override setupOptimization(): Optimization {
    if (!this.optimization) throw new NeuralFactoryError('The training has no optimiser.')
    return this.optimization
  }

  // Evaluation is the business of EvaluatorCallback, which has graphs of its own.
  validationStep(): never {
    throw new NeuralFactoryError('A training graph is not evaluated itself; give an EvaluatorCallback.')
  }

  validationMetrics(): MetricAccumulator {
    return this.validationStep()
  }

  async createDataLoader(): Promise<DataLoader> {
    throw new NeuralFactoryError('Data comes from data layers; there is no config section for it.')
  }
}

/** Draws a graph on a batch's ports. @returns its ends by their unique names. */
export function drawNamed(dag: Dag, batch: Readonly<Record<string, Tensor>>): Record<string, Tensor> {
  const { tensors } = dag.dataLayer
  const replacements = new Map(Object.entries(batch).map(([key, tensor]) => [tensors[key]!, tensor]))
  const drawn = dag.draw(replacements)
  return Object.fromEntries(dag.ends.map((end, i) => [uniqueName(end), drawn[i]!]))
}

function uniquelyNamed(modules: Iterable<NeuralModule>): Map<string, NeuralModule> {
  const named = new Map<string, NeuralModule>()
  for (const module of new Set(modules)) {
    const plain = moduleName(module)
    let name = plain
    for (let n = 1; named.has(name); n++) name = `${plain}_${n}`
    named.set(name, module)
  }
  return named
}
