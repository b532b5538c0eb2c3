/// <reference types="@webgpu/types" />
import {
  allocate,
  type Executable,
  type Parameter,
  type Plan,
  type Runtime,
  RuntimeError,
  sizeOf,
  type TensorData,
} from '@nemo/graph'
import { BufferPool } from './bufferPool.js'
import { checkSupport } from './checkSupport.js'
import { ELEMENT_BYTES } from './elementType.js'
import type { DispatchCost } from './kernelBuilder.js'
import { lowerForWebGPU } from './lower.js'
import { kernels } from './ops/registry.js'
import { type PlannedRun, planRun } from './planRun.js'
import type { Storage } from './storage.js'

/** Work of kernels of one name. */
export interface KernelCost extends DispatchCost {
  readonly label: string
  readonly dispatches: number
}

/** Work of one run of a program on WebGPU, which depends on its shapes alone. */
export interface RunCost extends DispatchCost {
  readonly dispatches: number
  /** Copies between buffers; their bytes are read once and written once. */
  readonly copies: number
  /** By kernel, the one that moves most first. */
  readonly kernels: readonly KernelCost[]
  /** Device memory of activations, parameters and constants together. */
  readonly peakBytes: number
}

/** A runtime that plans as `webgpu()` does and counts the work instead of doing it. */
export interface CostMeter extends Runtime {
  /** Cost of the latest run of any of its programs. */
  readonly latest: RunCost | undefined
}

/** Counts what programs would do on WebGPU. Needs no GPU; outputs are zeros, and parameters stay as they are. */
export function costMeter(): CostMeter {
  return new PlanningRuntime()
}

class PlanningRuntime implements CostMeter {
  readonly name = 'webgpu cost'
  latest: RunCost | undefined

  async compile(plan: Plan): Promise<Executable> {
    const roots = lowerForWebGPU([...plan.outputs.map((o) => o.tensor), ...plan.updates.map((u) => u.tensor)])
    checkSupport(roots, plan.inputs, kernels)
    return {
      run: async (feeds) => {
        const pool = new BufferPool({ create: buffer })
        const kept = new Map<object, Storage>()
        const keep = (key: object, bytes: number): Storage => {
          const storage = kept.get(key) ?? { buffer: buffer(bytes), bytes, references: 0, pooled: false }
          kept.set(key, storage)
          return storage
        }
        const planned = planRun(plan, roots, feeds, {
          kernels,
          pool,
          parameter: (parameter) => keep(parameter, sizeOf(parameter.shape) * ELEMENT_BYTES),
          constant: ({ data, shape }) => keep(data, sizeOf(shape) * ELEMENT_BYTES),
        })
        const keptBytes = [...kept.values()].reduce((total, { bytes }) => total + bytes, 0)
        this.latest = costOf(planned, pool.bytes + keptBytes)
        return Object.fromEntries(
          planned.outputs.map(({ name, dtype, shape }) => [
            name,
            { dtype, shape, data: allocate(dtype, sizeOf(shape)) },
          ]),
        )
      },
      memory: async () => ({ parameterBytes: 0, updateBytes: 0, workspaceBytes: 0, peakResidentBytes: 0 }),
      dispose: async () => {},
    }
  }

  async read(parameter: Parameter): Promise<TensorData> {
    throw new RuntimeError(`Parameter ${parameter.name} does not live in a cost meter.`)
  }

  release(_parameter: Parameter): void {}

  async dispose(): Promise<void> {}
}

// Plans ask a buffer for nothing but its size.
const buffer = (size: number): GPUBuffer => ({ size, destroy: () => undefined }) as unknown as GPUBuffer

function costOf({ commands, updates, outputs }: PlannedRun, peakBytes: number): RunCost {
  const byLabel = new Map<string, KernelCost>()
  let [copies, copied] = [0, 0]
  for (const command of commands) {
    if ('copy' in command) {
      copies++
      copied += command.copy.bytes
      continue
    }
    const { label, cost } = command.dispatch
    const sum = byLabel.get(label) ?? { label, dispatches: 0, bytesRead: 0, bytesWritten: 0, flops: 0 }
    byLabel.set(label, {
      label,
      dispatches: sum.dispatches + 1,
      bytesRead: sum.bytesRead + cost.bytesRead,
      bytesWritten: sum.bytesWritten + cost.bytesWritten,
      flops: sum.flops + cost.flops,
    })
  }
  for (const { bytes } of updates) {
    copies++
    copied += bytes
  }
  for (const { shape } of outputs) copied += sizeOf(shape) * ELEMENT_BYTES
  const all = [...byLabel.values()].sort((a, b) => b.bytesRead + b.bytesWritten - a.bytesRead - a.bytesWritten)
  const total = (key: 'dispatches' | 'bytesRead' | 'bytesWritten' | 'flops') =>
    all.reduce((sum, kernel) => sum + kernel[key], 0)
  return {
    dispatches: total('dispatches'),
    copies,
    bytesRead: total('bytesRead') + copied,
    bytesWritten: total('bytesWritten') + copied,
    flops: total('flops'),
    kernels: all,
    peakBytes,
  }
}
