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
import { portsOf } from '../neuralTypes/ports.js'
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
  readonly #programs = new Map<string, Promise<Program>>()

  /** Draws the module's graph: symbolic tensors in, symbolic tensors out. */
  abstract forward(inputs: object): object

  /**
   * Runs the module on arrays: compiles once per set of ports and mode, then executes.
   *
   * @param feeds - One array per input port; optional ports may be left out.
   * @returns one array per output port.
   * @throws ModuleError for an unknown or missing port; FeedError for arrays that do not fit.
   */
  async run(
    feeds: Readonly<Record<string, TensorLike>>,
    options: RunOptions & { readonly runtime?: Runtime } = {},
  ): Promise<Record<string, TensorData>> {
    const { inputs: ports } = portsOf(this)
    if (!ports) throw new ModuleError(`${this.constructor.name} declares no input ports; give it static inputTypes.`)
    const keys = Object.keys(feeds)
    const unknown = keys.filter((key) => !(key in ports))
    if (unknown.length > 0)
      throw new ModuleError(
        `${this.constructor.name} has no port ${unknown.join(', ')}; its ports are ${Object.keys(ports).join(', ')}.`,
      )
    const runtime = options.runtime ?? defaultRuntime()
    const cacheKey = `${runtime.name}|${this.training}|${keys.sort().join(',')}`
    let program = this.#programs.get(cacheKey)
    if (!program) {
      const inputs = symbolicInputs(ports, keys)
      // Equal modules draw equal random numbers, whatever was drawn before.
      const outputs = withRandomStreams(() => this.forward(inputs)) as Record<string, Tensor>
      program = compile(Object.fromEntries(Object.entries(outputs).filter(([, tensor]) => tensor !== undefined)), {
        runtime,
      })
      this.#programs.set(cacheKey, program)
    }
    const named = Object.fromEntries(keys.map((key) => [portName(key, ports), feeds[key]!]))
    return (await program).run(named, options)
  }

  /** Forgets compiled programs; needed after parts of the module were replaced. */
  async clearPrograms(): Promise<void> {
    const programs = [...this.#programs.values()]
    this.#programs.clear()
    for (const program of programs) await (await program).dispose()
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
