import { type Dim, evaluateDim, formatShape, symbolsOfDim } from './dim.js'
import { sizeOf, type TensorData, type TensorLike, tensorData } from './dtype.js'
import { CompileError, FeedError, GraphError, RuntimeError } from './errors.js'
import { Input } from './ops/leaves.js'
import { RANDOM_KEY } from './ops/random.js'
import { Parameter } from './parameter.js'
import { simplify } from './rewrite/simplify.js'
import type { Executable, MemoryReport, Plan, Runtime } from './runtime/runtime.js'
import type { Tensor } from './tensor.js'
import { topologicalOrder } from './traverse.js'

/** Options of `compile`. */
export interface CompileOptions {
  readonly runtime: Runtime
  /** New values that parameters take after each run, all computed from the old ones. */
  readonly updates?: Iterable<readonly [Parameter, Tensor]>
  /**
   * Compiles parameters in as constants: faster inference, but running after they have changed is an error.
   * Default false: parameters are read anew by each run, without copying.
   */
  readonly freezeParameters?: boolean
  /**
   * Prefix of the files into which the runtime writes a profile of this program when it is disposed; see `timeShares`.
   * Only ONNX Runtime can.
   */
  readonly profilePrefix?: string
}

/** Per-run options. */
export interface RunOptions {
  /** Seed of random ops; needed if the program has any. */
  readonly seed?: number
  /** Step of random ops: equal seeds and steps give equal numbers. Default 0. */
  readonly step?: number
}

/** A compiled graph. */
export class Program<Names extends string = string> {
  readonly #plan: Plan
  readonly #executable: Executable
  readonly #versions: readonly number[]

  /** Made by `compile`. */
  constructor(plan: Plan, executable: Executable) {
    this.#plan = plan
    this.#executable = executable
    this.#versions = plan.parameters.map((parameter) => parameter.version)
  }

  /** Names, dtypes and shapes to feed. */
  get inputs(): readonly { readonly name: string; readonly tensor: Tensor }[] {
    return this.#plan.inputs
  }

  get outputs(): readonly { readonly name: string; readonly tensor: Tensor }[] {
    return this.#plan.outputs
  }

  get parameters(): readonly Parameter[] {
    return this.#plan.parameters
  }

  /**
   * Runs the program.
   *
   * @param feeds - One value per input, as nested arrays, typed arrays or `TensorData`.
   * @returns the outputs by name.
   * @throws FeedError for a missing or unknown feed, a wrong dtype or shape, or symbols of unequal sizes.
   */
  async run(
    feeds: Readonly<Record<string, TensorLike>> = {},
    options: RunOptions = {},
  ): Promise<Record<Names, TensorData>> {
    if (this.#plan.freezeParameters) this.#checkFrozen()
    const values = this.#checkFeeds(feeds, options)
    try {
      return await this.#executable.run(values)
    } catch (error) {
      if (error instanceof GraphError) throw error
      throw new RuntimeError(`The program failed: ${error instanceof Error ? error.message : String(error)}`, {
        cause: error,
      })
    }
  }

  /** Memory that the program holds; its workspace is known once it has run. */
  memory(): Promise<MemoryReport> {
    return this.#executable.memory()
  }

  /** Frees what the runtime holds for this program; parameters stay. */
  dispose(): Promise<void> {
    return this.#executable.dispose()
  }

  #checkFrozen(): void {
    this.#plan.parameters.forEach((parameter, i) => {
      if (parameter.version !== this.#versions[i]) {
        throw new RuntimeError(
          `Parameter ${parameter.name} changed after the program was compiled with freezeParameters. Compile it again, or without that option.`,
        )
      }
    })
  }

  #checkFeeds(feeds: Readonly<Record<string, TensorLike>>, options: RunOptions): Map<string, TensorData> {
    const values = new Map<string, TensorData>()
    const bindings = new Map<string, number>()
    const composite: { name: string; axis: number; dim: Dim; size: number }[] = []
    for (const { name, tensor } of this.#plan.inputs) {
      const value = this.#feed(name, tensor, feeds, options)
      if (value.shape.length !== tensor.rank) {
        throw new FeedError(`Input ${name}: expected ${tensor}, found shape ${formatShape(value.shape)}.`)
      }
      tensor.shape.forEach((dim, axis) => {
        const size = value.shape[axis]!
        if (typeof dim === 'number' ? dim !== size : bindings.has(dim) && bindings.get(dim) !== size) {
          const expected = typeof dim === 'number' ? dim : `${dim} = ${bindings.get(dim)} as in another input`
          throw new FeedError(
            `Input ${name}, axis ${axis}: expected ${expected}, found ${size} (shape ${formatShape(value.shape)}, declared ${tensor}).`,
          )
        }
        if (typeof dim === 'string') {
          if (symbolsOfDim(dim).has(dim)) bindings.set(dim, size)
          else composite.push({ name, axis, dim, size })
        }
      })
      values.set(name, value)
    }
    for (const { name, axis, dim, size } of composite) {
      if ([...symbolsOfDim(dim)].every((symbol) => bindings.has(symbol)) && evaluateDim(dim, bindings) !== size) {
        throw new FeedError(
          `Input ${name}, axis ${axis}: expected ${dim} = ${evaluateDim(dim, bindings)}, found ${size}.`,
        )
      }
    }
    for (const name of Object.keys(feeds)) {
      if (!values.has(name)) {
        throw new FeedError(`Unknown input ${name}; the program reads ${[...values.keys()].join(', ') || 'nothing'}.`)
      }
    }
    return values
  }

  #feed(name: string, tensor: Tensor, feeds: Readonly<Record<string, TensorLike>>, options: RunOptions): TensorData {
    let feed = feeds[name]
    if (feed === undefined && name === RANDOM_KEY) {
      if (options.seed === undefined) {
        throw new FeedError('The program draws random numbers: pass { seed, step } as the second argument of run.')
      }
      feed = [options.seed, options.step ?? 0]
    }
    if (feed === undefined) throw new FeedError(`Input ${name} (${tensor}) was not fed.`)
    try {
      return tensorData(feed, tensor.dtype, ArrayBuffer.isView(feed) ? shapeOfFlat(feed, tensor) : undefined)
    } catch (error) {
      throw new FeedError(`Input ${name}: ${(error as Error).message}`)
    }
  }
}

// A flat typed array has the declared shape if at most one of its dims is a symbol.
function shapeOfFlat(feed: ArrayBufferView, tensor: Tensor): readonly number[] | undefined {
  const count = (feed as unknown as { length: number }).length
  const unknown = tensor.shape.filter((dim) => typeof dim === 'string').length
  if (unknown > 1) return undefined
  const rest = sizeOf(tensor.shape.filter((dim) => typeof dim === 'number'))
  if (unknown === 1 && !Number.isInteger(count / rest)) return undefined
  return tensor.shape.map((dim) => (typeof dim === 'number' ? dim : count / rest))
}

/**
 * Makes a graph ready to run: collects inputs and parameters, simplifies, and hands it to a runtime.
 *
 * @param outputs - Tensors to compute, by name.
 * @returns a program that computes the outputs and applies `updates` in one go.
 * @throws CompileError for clashing names, two updates of one parameter, or ops the runtime cannot execute.
 */
export async function compile<Names extends string>(
  outputs: Readonly<Record<Names, Tensor>>,
  options: CompileOptions,
): Promise<Program<Names>> {
  const names = Object.keys(outputs) as Names[]
  const updates = [...(options.updates ?? [])]
  const updated = new Set<Parameter>()
  for (const [parameter, tensor] of updates) {
    if (updated.has(parameter)) throw new CompileError(`Parameter ${parameter.name} is updated twice in one program.`)
    updated.add(parameter)
    if (
      tensor.dtype !== parameter.dtype ||
      tensor.rank !== parameter.rank ||
      tensor.shape.some((dim, i) => typeof dim === 'number' && dim !== parameter.shape[i])
    ) {
      throw new CompileError(`The update of ${parameter.name} is ${tensor}, expected ${parameter}.`)
    }
  }
  const simplified = simplify([...names.map((name) => outputs[name]), ...updates.map(([, tensor]) => tensor)])
  const roots = simplified.slice(names.length)
  const { inputs, parameters } = collectLeaves([...simplified, ...updated])
  const plan: Plan = {
    inputs,
    parameters,
    outputs: names.map((name, i) => ({ name, tensor: simplified[i]! })),
    updates: updates.map(([parameter], i) => ({ parameter, tensor: roots[i]! })),
    freezeParameters: options.freezeParameters ?? false,
    ...(options.profilePrefix !== undefined && { profilePrefix: options.profilePrefix }),
  }
  if (plan.freezeParameters && updates.length > 0)
    throw new CompileError('A program with updates cannot freeze its parameters.')
  return new Program(plan, await options.runtime.compile(plan))
}

/** Inputs (sorted by creation) and parameters that tensors depend on. */
export function collectLeaves(tensors: readonly Tensor[]): {
  inputs: { name: string; tensor: Tensor }[]
  parameters: Parameter[]
} {
  const inputs: { name: string; tensor: Tensor }[] = []
  const byName = new Map<string, Tensor>()
  const parameters = new Set<Parameter>()
  for (const tensor of tensors) if (tensor instanceof Parameter) parameters.add(tensor)
  for (const node of topologicalOrder(tensors)) {
    if (node.op === Input) {
      const name = node.attribute<string>('name')
      const tensor = node.outputs[0]!
      const other = byName.get(name)
      if (other && other !== tensor)
        throw new CompileError(`Two different inputs are named ${name}: ${other} and ${tensor}.`)
      if (!other) inputs.push({ name, tensor })
      byName.set(name, tensor)
    }
    for (const input of node.inputs) if (input instanceof Parameter) parameters.add(input)
  }
  return { inputs, parameters: [...parameters] }
}
