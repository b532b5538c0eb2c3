import {
  compile,
  input,
  type Program,
  type Runtime,
  type Tensor,
  type TensorData,
  withRandomStreams,
} from '@nemo/graph'
import type { NeuralModule } from '../modules/neuralModule.js'
import { symbolicInputs } from '../modules/symbolicInputs.js'
import { portName } from '../neuralTypes/portName.js'
import type { Dag } from './dag.js'

/** A graph of module calls in evaluation mode as a program; it reads the weights that training moves, without copying. */
export class DagProgram {
  readonly #program: Program
  /** Names of the program's inputs and of the tensors that feed them. */
  readonly #feeds: ReadonlyMap<string, Tensor>
  readonly #names: ReadonlyMap<Tensor, string>

  private constructor(program: Program, feeds: ReadonlyMap<string, Tensor>, names: ReadonlyMap<Tensor, string>) {
    this.#program = program
    this.#feeds = feeds
    this.#names = names
  }

  /**
   * Draws and compiles the graph.
   *
   * @param known - Tensors of the graph whose values will be fed. Default: what the data layer gives.
   */
  static async build(dag: Dag, runtime: Runtime, known: readonly Tensor[] = []): Promise<DagProgram> {
    const { dataLayer } = dag
    const ports = dataLayer.outputTypes
    const batch = Object.entries(dataLayer.tensors)
    const inputs = symbolicInputs(
      ports,
      batch.map(([key]) => key),
    )
    const replacements = new Map(batch.map(([key, tensor]) => [tensor, inputs[key]!]))
    const feeds = new Map(batch.map(([key, tensor]) => [portName(key, ports), tensor]))
    for (const [i, tensor] of known.entries()) {
      if (replacements.has(tensor)) continue
      replacements.set(tensor, input(`known_${i}`, tensor.dtype, tensor.shape))
      feeds.set(`known_${i}`, tensor)
    }
    const drawn = inEvaluationMode(dag.modules, () => withRandomStreams(() => dag.draw(replacements)))
    const names = new Map(dag.ends.map((end, i) => [end, `output_${i}`]))
    const outputs = Object.fromEntries(drawn.map((tensor, i) => [`output_${i}`, tensor]))
    return new DagProgram(await compile(outputs, { runtime }), feeds, names)
  }

  /** Values of the graph's ends, given those of the tensors that the program reads. */
  async run(
    values: ReadonlyMap<Tensor, TensorData>,
    random: { readonly seed: number; readonly step: number },
  ): Promise<Map<Tensor, TensorData>> {
    const feeds: Record<string, TensorData> = {}
    for (const { name } of this.#program.inputs) {
      const tensor = this.#feeds.get(name)
      const value = tensor && values.get(tensor)
      if (value) feeds[name] = value
    }
    const results = await this.#program.run(feeds, random)
    return new Map([...this.#names].map(([tensor, name]) => [tensor, results[name]!]))
  }

  dispose(): Promise<void> {
    return this.#program.dispose()
  }
}

/** Runs `build` with all modules in evaluation mode, and restores their modes. */
export function inEvaluationMode<T>(modules: readonly NeuralModule[], build: () => T): T {
  const [first, ...others] = modules
  return first ? first.withMode(false, () => inEvaluationMode(others, build)) : build()
}

/** A batch's arrays by the tensors of the data layer. */
export function batchValues(dag: Dag, arrays: Readonly<Record<string, TensorData>>): Map<Tensor, TensorData> {
  const tensors = Object.entries(dag.dataLayer.tensors)
  return new Map(tensors.flatMap(([key, tensor]) => (arrays[key] ? [[tensor, arrays[key]] as const] : [])))
}
