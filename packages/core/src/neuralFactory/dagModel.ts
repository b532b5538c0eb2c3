import { add, type Parameter, reduceSum, type Tensor } from '@nemo/graph'
import type { DataLoader } from '../data/dataLoader.js'
import type { MetricAccumulator } from '../models/metrics.js'
import { Model, type Optimization, type OptimizerTurn, type TrainingStep } from '../models/model.js'
import type { NeuralModule } from '../modules/neuralModule.js'
import { type Dag, moduleName, uniqueName } from './dag.js'
import { NeuralFactoryError } from './errors.js'

/** What one of the optimisers of a training minimises, and with which weights. */
export interface DagTurn {
  /** Graph of the losses and of what is looked at while training. */
  readonly dag: Dag
  /** Tensors of it whose sum is minimised. */
  readonly losses: readonly Tensor[]
  /** Weights that move. */
  readonly parameters: ReadonlySet<Parameter>
  readonly optimization: Optimization
}

/**
 * Graphs of module calls as the model that the trainer trains; with several optimisers, each step is one of them, in turn.
 * All modules of the training graphs and of the evaluation graphs are its children.
 */
export class DagModel extends Model {
  readonly target = 'nemo.core.NeuralModuleFactory'
  readonly #turns: readonly DagTurn[]

  /**
   * @param turns - At least one; all graphs begin at one data layer.
   * @param modules - All modules that train or are evaluated.
   */
  constructor(turns: readonly DagTurn[], modules: Iterable<NeuralModule>) {
    super({})
    this.#turns = turns
    for (const [name, module] of uniquelyNamed(modules)) this.addModule(name, module)
    this.trainingLoader = turns[0]!.dag.dataLayer.dataLoader
  }

  override optimizerTurns(): OptimizerTurn[] {
    const several = this.#turns.length > 1
    const weights = this.parameters()
    return this.#turns.map((turn, i) => ({
      name: several ? `optimizer_${i}` : '',
      optimization: turn.optimization,
      weights: weights.filter((weight) => turn.parameters.has(weight)),
      step: (batch) => stepOf(turn, batch),
      ...(several && { frequency: 1 }),
    }))
  }

  /** The first graph's ends by their unique names. */
  forward(batch: Readonly<Record<string, Tensor>>): Record<string, Tensor> {
    return drawNamed(this.#turns[0]!.dag, batch)
  }

  trainingStep(batch: Readonly<Record<string, Tensor>>): TrainingStep {
    return stepOf(this.#turns[0]!, batch)
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

function stepOf({ dag, losses }: DagTurn, batch: Readonly<Record<string, Tensor>>): TrainingStep {
  const outputs = drawNamed(dag, batch)
  const scalars = losses.map((loss) => outputs[uniqueName(loss)]!)
  return {
    loss: scalars.map((loss) => (loss.rank === 0 ? loss : reduceSum(loss))).reduce((a, b) => add(a, b)),
    outputs,
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
