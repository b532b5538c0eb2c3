import { compile, type Parameter, type Program, type Runtime, rebuild, type Tensor, type TensorData } from '@nemo/graph'
import type { Batch } from '../data/dataset.js'
import type { Model } from '../models/model.js'
import { symbolicInputs } from '../modules/symbolicInputs.js'
import type { PortTypes } from '../neuralTypes/ports.js'
import { batchFeeds } from './batchFeeds.js'

/** A model's evaluation step as a program; it reads the same parameters as training, without copying. */
export class EvaluationProgram {
  readonly #program: Program
  readonly #ports: PortTypes

  private constructor(program: Program, ports: PortTypes) {
    this.#program = program
    this.#ports = ports
  }

  /**
   * Draws and compiles `step` in evaluation mode.
   *
   * @param options.averages - What to read in place of weights.
   */
  static async build(
    model: Model,
    step: (batch: Readonly<Record<string, Tensor>>) => Readonly<Record<string, Tensor>>,
    options: {
      readonly runtime: Runtime
      readonly ports: PortTypes
      readonly averages: ReadonlyMap<Parameter, Parameter>
    },
  ): Promise<EvaluationProgram> {
    const { runtime, ports, averages } = options
    const batch = symbolicInputs(ports, Object.keys(ports))
    const drawn = model.withMode(false, () => step(batch))
    const tensors = rebuild(Object.values(drawn), { replace: averages })
    const outputs = Object.fromEntries(Object.keys(drawn).map((name, i) => [name, tensors[i]!]))
    return new EvaluationProgram(await compile(outputs, { runtime }), ports)
  }

  /** Runs the step on a batch. */
  run(batch: Batch): Promise<Record<string, TensorData>> {
    return this.#program.run(batchFeeds(batch, this.#ports, this.#program))
  }

  dispose(): Promise<void> {
    return this.#program.dispose()
  }
}
