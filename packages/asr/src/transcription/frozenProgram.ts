import type { Module } from '@nemo/core'
import { compile, type Program, type Runtime, type Tensor } from '@nemo/graph'

interface Compiled {
  readonly program: Program
  readonly runtime: Runtime
  readonly versions: readonly number[]
}

/** A program with the weights of a module inside; compiled when first wanted, and again when the weights have changed. */
export class FrozenProgram {
  readonly #module: Module
  readonly #draw: () => Readonly<Record<string, Tensor>>
  readonly #prefix: string
  #compiled: Compiled | undefined

  /**
   * @param draw - Draws the outputs; called in evaluation mode.
   * @param prefix - What its parameters' names begin with in the model that it is a part of. Default nothing.
   */
  constructor(module: Module, draw: () => Readonly<Record<string, Tensor>>, prefix = '') {
    this.#module = module
    this.#draw = draw
    this.#prefix = prefix
  }

  /** The program. The one before it must not be running. */
  async get(runtime: Runtime): Promise<Program> {
    const versions = [...this.#module.namedTensors().values()].map((tensor) => tensor.version)
    const ready = this.#compiled
    if (ready && ready.runtime === runtime && versions.every((version, i) => version === ready.versions[i]))
      return ready.program
    await ready?.program.dispose()
    this.#module.nameParameters(this.#prefix)
    const outputs = this.#module.withMode(false, this.#draw)
    const program = await compile(outputs, { runtime, freezeParameters: true })
    this.#compiled = { program, runtime, versions }
    return program
  }
}
