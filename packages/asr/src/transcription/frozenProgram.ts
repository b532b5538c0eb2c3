import type { Model } from '@nemo/core'
import { compile, type Program, type Runtime, type Tensor } from '@nemo/graph'

interface Compiled {
  readonly program: Program
  readonly runtime: Runtime
  readonly versions: readonly number[]
}

/** A program with a model's weights inside; compiled when first wanted, and again when the weights have changed. */
export class FrozenProgram {
  readonly #model: Model
  readonly #draw: () => Readonly<Record<string, Tensor>>
  #compiled: Compiled | undefined

  /** @param draw - Draws the outputs; called in evaluation mode. */
  constructor(model: Model, draw: () => Readonly<Record<string, Tensor>>) {
    this.#model = model
    this.#draw = draw
  }

  /** The program. The one before it must not be running. */
  async get(runtime: Runtime): Promise<Program> {
    const versions = [...this.#model.namedTensors().values()].map((tensor) => tensor.version)
    const ready = this.#compiled
    if (ready && ready.runtime === runtime && versions.every((version, i) => version === ready.versions[i]))
      return ready.program
    await ready?.program.dispose()
    this.#model.nameParameters()
    const outputs = this.#model.withMode(false, this.#draw)
    const program = await compile(outputs, { runtime, freezeParameters: true })
    this.#compiled = { program, runtime, versions }
    return program
  }
}
