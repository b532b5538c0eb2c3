import { SessionHost } from '#sessionHost'
import { WorkerHost } from '#workerHost'
import type { TensorData } from '../../dtype.js'
import { CompileError, RuntimeError } from '../../errors.js'
import { emitModel } from '../../onnx/emit.js'
import { encodeModel } from '../../onnx/proto/encode.js'
import type { Parameter } from '../../parameter.js'
import type { Tensor } from '../../tensor.js'
import type { Executable, MemoryReport, Plan, Runtime } from '../runtime.js'
import { lowerForOrt } from './lower.js'
import { nchwcBlock } from './nchwcBlock.js'
import type { SessionPlan, SessionSettings } from './sessionHost.js'

/** Options of the ONNX Runtime executor. */
export interface OrtOptions {
  /** Threads inside one op. Default 0: one per physical core. */
  readonly threads?: number
  /**
   * Runs in a worker thread, so that timers, signal handlers and servers of the calling thread stay alive while a step
   * computes. Buffers are handed over, not copied. Default false.
   */
  readonly worker?: boolean
  /** Prefix of ONNX Runtime's JSON profiles, written when programs are disposed. */
  readonly profilePrefix?: string
  /** ONNX Runtime execution providers, e.g. `['cuda']`. Default CPU. */
  readonly executionProviders?: readonly string[]
  /** False runs ops as they are defined instead of in their fastest form; to find out whether a lowering is at fault. */
  readonly lowerings?: boolean
}

/** What `SessionHost` and its remote twin have in common. */
export interface Host {
  create(plan: SessionPlan, settings: SessionSettings): Promise<number>
  run(id: number, feeds: readonly (readonly [string, TensorData])[]): Promise<Record<string, TensorData>>
  memory(id: number): MemoryReport | Promise<MemoryReport>
  write(slot: number, value: TensorData): void | Promise<void>
  read(slot: number): TensorData | Promise<TensorData>
  release(slot: number): void | Promise<void>
  dispose(id: number): Promise<void>
  close(): Promise<void>
}

/** ONNX Runtime as executor of graphs; CPU is its default device. */
export function ort(options: OrtOptions = {}): Runtime {
  return new OrtRuntime(options)
}

class OrtRuntime implements Runtime {
  readonly name = 'ort'
  readonly #host: Host
  readonly #settings: SessionSettings
  readonly #lowerings: boolean
  readonly #slots = new Map<Parameter, number>()
  #nextSlot = 0
  #last: Promise<unknown> = Promise.resolve()

  constructor(options: OrtOptions) {
    this.#settings = {
      threads: options.threads ?? 0,
      ...(options.profilePrefix !== undefined && { profilePrefix: options.profilePrefix }),
      ...(options.executionProviders && { executionProviders: options.executionProviders }),
    }
    const onCpu = (options.executionProviders ?? ['cpu']).every((provider) => provider === 'cpu')
    this.#lowerings = (options.lowerings ?? true) && onCpu
    this.#host = options.worker ? new WorkerHost() : new SessionHost()
  }

  async compile(plan: Plan): Promise<Executable> {
    const main = await this.#createSession(plan, this.#lowerings, false)
    // Many kernels refuse empty axes; what has some runs in a session of its own, without the fast ones.
    let forEmpty: Promise<number> | undefined
    const sessionFor = (feeds: ReadonlyMap<string, TensorData>): number | Promise<number> => {
      if (![...feeds.values()].some(({ shape }) => shape.includes(0))) return main
      forEmpty ??= this.#createSession(plan, false, true)
      return forEmpty
    }
    // An input that nothing reads was fed for nothing; ONNX Runtime accepts it all the same.
    return {
      run: (feeds) =>
        this.#inTurn(async () => {
          if (!plan.freezeParameters) await this.#takeOver(plan.parameters)
          const outputs = await this.#host.run(await sessionFor(feeds), [...feeds])
          for (const { parameter } of plan.updates) parameter.touch()
          return outputs
        }),
      memory: async () => this.#host.memory(main),
      dispose: async () => {
        await this.#host.dispose(main)
        if (forEmpty) await this.#host.dispose(await forEmpty)
      },
    }
  }

  async #createSession(plan: Plan, fast: boolean, emptyAxes: boolean): Promise<number> {
    const roots = [...plan.outputs.map((o) => o.tensor), ...plan.updates.map((u) => u.tensor)]
    const lowered = lowerForOrt(roots, {
      fast,
      emptyAxes,
      nchwcBlock: fast ? await nchwcBlock(this.#host) : 0,
      frozen: plan.freezeParameters,
    })
    const names = uniqueNames(plan.parameters, new Set([...plan.inputs, ...plan.outputs].map((border) => border.name)))
    const initializers = new Map<Tensor, { name: string; value: TensorData }>()
    if (plan.freezeParameters) {
      for (const parameter of plan.parameters)
        initializers.set(parameter, { name: names.get(parameter)!, value: await parameter.value() })
    }
    const reads = plan.freezeParameters
      ? []
      : plan.parameters.map((parameter) => ({ name: names.get(parameter)!, tensor: parameter }))
    const writes = plan.updates.map(({ parameter }, i) => ({
      parameter,
      name: `${names.get(parameter)}:new`,
      tensor: lowered[plan.outputs.length + i]!,
    }))
    const model = encodeModel(
      emitModel({
        inputs: [...plan.inputs, ...reads],
        outputs: [...plan.outputs.map(({ name }, i) => ({ name, tensor: lowered[i]! })), ...writes],
        initializers,
      }),
    )
    const sessionPlan: SessionPlan = {
      model,
      // With weights that change there is little to fuse; and transposes of them are better made than fused into products.
      optimization: plan.freezeParameters || !fast ? 'all' : 'basic',
      reads: reads.map(({ name, tensor }) => ({ name, slot: this.#slot(tensor) })),
      writes: writes.map(({ parameter, name }) => ({ name, slot: this.#slot(parameter) })),
      outputs: plan.outputs.map(({ name }) => name),
    }
    try {
      const { profilePrefix } = plan
      return await this.#host.create(sessionPlan, {
        ...this.#settings,
        ...(profilePrefix !== undefined && { profilePrefix }),
      })
    } catch (error) {
      throw new CompileError(`ONNX Runtime refused the graph: ${(error as Error).message}`, { cause: error })
    }
  }

  async read(parameter: Parameter): Promise<TensorData> {
    const slot = this.#slots.get(parameter)
    if (slot === undefined) throw new RuntimeError(`Parameter ${parameter.name} does not live in this runtime.`)
    return this.#host.read(slot)
  }

  release(parameter: Parameter): void {
    const slot = this.#slots.get(parameter)
    if (slot !== undefined) void this.#host.release(slot)
  }

  async dispose(): Promise<void> {
    await this.#last
    const home = new Map<Parameter, TensorData>()
    for (const [parameter, slot] of this.#slots) {
      if (parameter.owner === this) home.set(parameter, await this.#host.read(slot))
    }
    this.#slots.clear()
    for (const [parameter, value] of home) parameter.comeHome(value)
    await this.#host.close()
  }

  // Runs read what the runs before them wrote, so they come one after the other.
  #inTurn<T>(run: () => Promise<T>): Promise<T> {
    const result = this.#last.then(run)
    this.#last = result.catch(() => undefined)
    return result
  }

  #slot(parameter: Parameter): number {
    let slot = this.#slots.get(parameter)
    if (slot === undefined) {
      slot = this.#nextSlot++
      this.#slots.set(parameter, slot)
    }
    return slot
  }

  async #takeOver(parameters: readonly Parameter[]): Promise<void> {
    for (const parameter of parameters) {
      if (parameter.owner === this) continue
      await this.#host.write(this.#slot(parameter), await parameter.value())
      parameter.moveTo(this)
    }
  }
}

// Parameters keep their names where they can; a clash gets a number.
function uniqueNames(parameters: readonly Parameter[], taken: Set<string>): Map<Parameter, string> {
  const names = new Map<Parameter, string>()
  for (const parameter of parameters) {
    let name = parameter.name || 'parameter'
    for (let i = 2; taken.has(name); i++) name = `${parameter.name || 'parameter'}#${i}`
    taken.add(name)
    names.set(parameter, name)
  }
  return names
}
