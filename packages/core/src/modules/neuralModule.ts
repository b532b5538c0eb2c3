import {
  compile,
  isFloat,
  ort,
  type Program,
  type RunOptions,
  type Runtime,
  sizeOf,
  type Tensor,
  type TensorData,
  type TensorLike,
  withRandomStreams,
} from '@nemo/graph'
import { portName } from '../neuralTypes/portName.js'
import { type PortTypes, portDeclarations, portsOf } from '../neuralTypes/ports.js'
import { ModuleError } from './errors.js'
import { Module } from './module.js'
import { symbolicInputs } from './symbolicInputs.js'

let shared: Runtime | undefined

/** The runtime that `NeuralModule.run` uses when none is given: ONNX Runtime on CPU in the calling thread. */
export function defaultRuntime(): Runtime {
  shared ??= ort()
  return shared
}

/**
 * A module with typed ports. Subclasses declare `static readonly inputTypes` and `outputTypes` with `port(...)` and a
 * `forward` decorated by `@typecheck()`, which draws the graph.
 *
 * Source: NeMo v1.0.0 `nemo.core.classes.module.NeuralModule`.
 */
export abstract class NeuralModule extends Module {
  readonly #programs = new Map<Runtime, Map<string, Promise<Program>>>()

  /** Draws the module's graph: symbolic tensors in, symbolic tensors out. */
  abstract forward(inputs: object): object

  /**
   * Runs the module on arrays: compiles once per runtime, set of ports and modes of its parts, then executes. In training
   * mode it computes with batch statistics and dropout (which needs `options.seed`); running statistics stay as they
   * are, since only training programs update them.
   *
   * @param feeds - One array per input port; optional ports may be left out.
   * @returns one array per output port, by the port's key.
   * @throws ModuleError for an unknown or missing port; FeedError for arrays that do not fit.
   */
  async run(
    feeds: Readonly<Record<string, TensorLike>>,
    options: RunOptions & { readonly runtime?: Runtime } = {},
  ): Promise<Record<string, TensorData>> {
    const { inputs: ports } = portsOf(this)
    if (!ports) throw new ModuleError(`${this.constructor.name} declares no input ports; give it static inputTypes.`)
    const keys = Object.keys(feeds).sort()
    const declared = [...portDeclarations(ports).values()]
    const unknown = keys.filter((key) => !declared.some((port) => port.key === key))
    const missing = declared.filter(({ key, neuralType }) => !neuralType.optional && !keys.includes(key))
    if (unknown.length > 0)
      throw new ModuleError(
        `${this.constructor.name} has no port ${unknown.join(', ')}; its ports are ${Object.keys(ports).join(', ')}.`,
      )
    if (missing.length > 0)
      throw new ModuleError(`${this.constructor.name} needs the port ${missing.map(({ key }) => key).join(', ')} too.`)
    const { runtime = defaultRuntime(), ...runOptions } = options
    const program = await this.#program(ports, keys, runtime)
    const named = Object.fromEntries(keys.map((key) => [portName(key, ports), feeds[key]!]))
    return program.run(named, runOptions)
  }

  #program(ports: PortTypes, keys: readonly string[], runtime: Runtime): Promise<Program> {
    const programs = this.#programs.get(runtime) ?? new Map<string, Promise<Program>>()
    this.#programs.set(runtime, programs)
    const modes = this.modules().map((module) => (module.training ? 't' : 'e'))
    const cacheKey = `${keys.join(',')}|${modes.join('')}`
    let program = programs.get(cacheKey)
    if (!program) {
      program = this.#compile(ports, keys, runtime)
      programs.set(cacheKey, program)
      // A failure is for its caller; the next call tries again.
      program.catch(() => programs.delete(cacheKey))
    }
    return program
  }

  async #compile(ports: PortTypes, keys: readonly string[], runtime: Runtime): Promise<Program> {
    const inputs = symbolicInputs(ports, keys)
    const outputs = withRandomStreams(() => this.forward(inputs)) as Record<string, Tensor | undefined>
    const present = Object.entries(outputs).filter((entry): entry is [string, Tensor] => entry[1] !== undefined)
    return compile(Object.fromEntries(present), { runtime })
  }

  /** Forgets compiled programs; needed after parts of the module were replaced. */
  async clearPrograms(): Promise<void> {
    const programs = [...this.#programs.values()].flatMap((made) => [...made.values()])
    this.#programs.clear()
    for (const program of await Promise.allSettled(programs))
      if (program.status === 'fulfilled') await program.value.dispose()
  }

  /** A table of the module's parts and their weights, as text. */
  summary(): string {
    const rows: (readonly [string, string, number])[] = [['', this.constructor.name, this.#count(this)]]
    const visit = (module: Module, prefix: string) => {
      for (const [name, child] of module.children) {
        rows.push([prefix + name, child.constructor.name, this.#count(child)])
        if (prefix.split('.').length < 3) visit(child, `${prefix}${name}.`)
      }
    }
    visit(this, '')
    const total = this.#count(this)
    const trained = this.numWeights
    const width = [0, 1].map((i) => Math.max(...rows.map((row) => String(row[i as 0 | 1]).length)))
    const lines = rows.map(
      ([name, type, count]) =>
        `${name.padEnd(width[0]!)}  ${type.padEnd(width[1]!)}  ${count.toLocaleString('en-US').padStart(13)}`,
    )
    return [...lines, `weights: ${total.toLocaleString('en-US')}, trained: ${trained.toLocaleString('en-US')}`].join(
      '\n',
    )
  }

  #count(module: Module): number {
    return module
      .parameters()
      .reduce((sum, parameter) => sum + (isFloat(parameter.dtype) ? sizeOf(parameter.shape) : 0), 0)
  }
}
