import { compile, type Program, type Runtime, type Tensor, type TensorData } from '@nemo/graph'
import type { Batch } from '../data/dataset.js'
import type { Model } from '../models/model.js'
import { symbolicInputs } from '../modules/symbolicInputs.js'
import { portName } from '../neuralTypes/portName.js'
import type { PortTypes } from '../neuralTypes/ports.js'

/** A model's evaluation step as a program; it reads the same parameters as training, without copying. */
export class EvaluationProgram {
  readonly #program: Program
  readonly #ports: PortTypes

  private constructor(program: Program, ports: PortTypes) {
    this.#program = program
    this.#ports = ports
  }

  /** Draws and compiles `step` in evaluation mode. */
  static async build(
    model: Model,
    step: (batch: Readonly<Record<string, Tensor>>) => Readonly<Record<string, Tensor>>,
    options: { readonly runtime: Runtime; readonly ports: PortTypes },
  ): Promise<EvaluationProgram> {
    const batch = symbolicInputs(options.ports, Object.keys(options.ports))
    const outputs = model.withMode(false, () => step(batch))
    return new EvaluationProgram(await compile(outputs, { runtime: options.runtime }), options.ports)
  }

  async run(batch: Batch): Promise<Record<string, TensorData>> {
    const read = new Set(this.#program.inputs.map(({ name }) => name))
    const feeds: Record<string, TensorData> = {}
    for (const [key, array] of Object.entries(batch.arrays)) {
      const name = portName(key, this.#ports)
      if (read.has(name)) feeds[name] = array
    }
    return this.#program.run(feeds)
  }

  dispose(): Promise<void> {
    return this.#program.dispose()
  }
}
