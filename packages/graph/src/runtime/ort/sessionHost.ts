import { InferenceSession, Tensor as OrtTensor, type TypedTensor } from 'onnxruntime-node'
import { allocate, bytesPerElement, type DType, sizeOf, type TensorData } from '../../dtype.js'
import { RuntimeError } from '../../errors.js'
import type { MemoryReport } from '../runtime.js'
import { peakResidentBytes, WorkspaceMeter } from './workspaceMeter.js'

/** How sessions execute. */
export interface SessionSettings {
  /** Threads inside one op; 0 lets ONNX Runtime choose (one per physical core). */
  readonly threads: number
  /** Where to write ONNX Runtime's profile (JSON), or nothing. */
  readonly profilePrefix?: string
  readonly executionProviders?: readonly string[]
}

/** How much ONNX Runtime may rewrite a model: `all` repacks and fuses constant weights, `basic` only tidies up. */
export type OptimizationLevel = 'basic' | 'all'

/** A model and how its borders meet feeds and parameters. All fields can be sent between threads. */
export interface SessionPlan {
  readonly model: Uint8Array
  readonly optimization: OptimizationLevel
  /** Input name -> slot of the parameter to read. */
  readonly reads: readonly { readonly name: string; readonly slot: number }[]
  /** Output name -> slot of the parameter to replace. */
  readonly writes: readonly { readonly name: string; readonly slot: number }[]
  readonly outputs: readonly string[]
}

interface Slot {
  readonly dtype: DType
  readonly shape: readonly number[]
  current: OrtTensor
  /** The buffer of the value before the last; the next update is written here, so nothing is allocated or copied. */
  spare: OrtTensor | undefined
}

interface Session {
  readonly session: InferenceSession
  readonly meter: WorkspaceMeter
  readonly plan: Pick<SessionPlan, 'reads' | 'writes' | 'outputs'>
}

function wrap(dtype: DType, shape: readonly number[], data: TensorData['data']): OrtTensor {
  return new OrtTensor(dtype as 'float32', data as Float32Array, [...shape])
}

/** Holds sessions and parameter buffers in one thread: the calling one, or a worker. */
export class SessionHost {
  readonly #slots = new Map<number, Slot>()
  readonly #sessions = new Map<number, Session>()
  #next = 0

  async create(plan: SessionPlan, settings: SessionSettings): Promise<number> {
    const options: InferenceSession.SessionOptions = {
      executionMode: 'sequential',
      graphOptimizationLevel: plan.optimization,
      intraOpNumThreads: settings.threads,
      interOpNumThreads: 1,
      // The pattern's slab comes on top of the arena that the first run filled, which doubles the peak.
      enableMemPattern: false,
      // Threads of an idle session must not burn the cores that another session needs.
      extra: { session: { force_spinning_stop: '1' } },
      logSeverityLevel: 3,
      ...(settings.executionProviders && { executionProviders: [...settings.executionProviders] }),
      ...(settings.profilePrefix !== undefined && { enableProfiling: true, profileFilePrefix: settings.profilePrefix }),
    }
    const session = await InferenceSession.create(plan.model, options)
    const id = this.#next++
    this.#sessions.set(id, {
      session,
      meter: new WorkspaceMeter(),
      plan: { reads: plan.reads, writes: plan.writes, outputs: plan.outputs },
    })
    return id
  }

  async run(id: number, feeds: readonly (readonly [string, TensorData])[]): Promise<Record<string, TensorData>> {
    const entry = this.#sessions.get(id)
    if (!entry) throw new RuntimeError('The program was disposed, or its runtime was. Compile it again.')
    const { session, plan, meter } = entry
    meter.starts()
    const values: Record<string, OrtTensor> = {}
    for (const [name, value] of feeds) values[name] = wrap(value.dtype, value.shape, value.data)
    for (const { name, slot } of plan.reads) values[name] = this.#slots.get(slot)!.current
    const fetches: Record<string, OrtTensor | null> = {}
    for (const name of plan.outputs) fetches[name] = null
    for (const { name, slot } of plan.writes) {
      const target = this.#slots.get(slot)!
      target.spare ??= wrap(target.dtype, target.shape, allocate(target.dtype, sizeOf(target.shape)))
      fetches[name] = target.spare
    }
    const results = await session.run(values, fetches)
    meter.ends()
    for (const { slot } of plan.writes) {
      const target = this.#slots.get(slot)!
      const old = target.current
      target.current = target.spare!
      target.spare = old
    }
    const outputs: Record<string, TensorData> = {}
    for (const name of plan.outputs) outputs[name] = unwrap(results[name] as OrtTensor)
    return outputs
  }

  /** See MemoryReport. */
  memory(id: number): MemoryReport {
    const { plan, meter } = this.#sessions.get(id)!
    const bytes = (borders: SessionPlan['reads'], buffer: 'current' | 'spare') => {
      const slots = [...new Set(borders.map(({ slot }) => slot))].map((slot) => this.#slots.get(slot))
      return slots.reduce(
        (sum, slot) => sum + (slot?.[buffer] ? bytesPerElement(slot.dtype) * sizeOf(slot.shape) : 0),
        0,
      )
    }
    const updateBytes = bytes(plan.writes, 'spare')
    return {
      parameterBytes: bytes([...plan.reads, ...plan.writes], 'current'),
      updateBytes,
      workspaceBytes: Math.max(0, meter.growth() - updateBytes),
      peakResidentBytes: peakResidentBytes(),
    }
  }

  write(slot: number, value: TensorData): void {
    // ONNX Runtime reads the buffer in place; the caller's array must not change under it.
    const data = value.data.slice() as TensorData['data']
    this.#slots.set(slot, {
      dtype: value.dtype,
      shape: value.shape,
      current: wrap(value.dtype, value.shape, data),
      spare: undefined,
    })
  }

  /** A copy of the value: the buffer itself is overwritten by the update after next. */
  read(slot: number): TensorData {
    const { dtype, shape, current } = this.#slots.get(slot)!
    return { dtype, shape, data: (current.data as Float32Array).slice() }
  }

  release(slot: number): void {
    this.#slots.delete(slot)
  }

  async dispose(id: number): Promise<void> {
    const entry = this.#sessions.get(id)
    this.#sessions.delete(id)
    entry?.session.endProfiling()
    await entry?.session.release()
  }

  async close(): Promise<void> {
    for (const id of [...this.#sessions.keys()]) await this.dispose(id)
    this.#slots.clear()
  }
}

function unwrap(tensor: OrtTensor): TensorData {
  const { type, dims, data } = tensor as TypedTensor<'float32'>
  return { dtype: type as DType, shape: [...dims], data }
}
