/// <reference types="@webgpu/types" />
import {
  allocate,
  type Executable,
  type Parameter,
  type Plan,
  type Precision,
  type Runtime,
  RuntimeError,
  sizeOf,
  type TensorData,
} from '@nemo/graph'
import { BufferPool, type BufferSource } from './bufferPool.js'
import { checkSupport } from './checkSupport.js'
import { ConstantHome } from './constantHome.js'
import { ELEMENT_BYTES } from './elementType.js'
import type { DispatchCost } from './kernelBuilder.js'
import { lowerForWebGPU } from './lower.js'
import { kernels } from './ops/registry.js'
import { ParameterHome } from './parameterHome.js'
import { type PlannedRun, planRun } from './planRun.js'
import { DEFAULT_TILES } from './tuning.js'

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

/**
 * Counts what programs would do on WebGPU. Needs no GPU; outputs are zeros, and parameters stay as they are.
 *
 * @param options.precision - See WebGPUOptions; of a device with `shader-f16`.
 */
export function costMeter(options: { readonly precision?: Precision } = {}): CostMeter {
  return new PlanningRuntime(options.precision ?? '32')
}

class PlanningRuntime implements CostMeter {
  readonly name = 'webgpu cost'
  readonly precision: Precision
  latest: RunCost | undefined

  constructor(precision: Precision) {
    this.precision = precision
  }

  async compile(plan: Plan): Promise<Executable> {
    const roots = lowerForWebGPU([...plan.outputs.map((o) => o.tensor), ...plan.updates.map((u) => u.tensor)])
    checkSupport(roots, plan.inputs, kernels)
    return {
      run: async (feeds) => {
        const pool = new BufferPool(source)
        const parameters = new ParameterHome(source)
        parameters.settle(plan.parameters)
        const constants = new ConstantHome(source, () => undefined)
        const planned = planRun(plan, roots, feeds, {
          kernels,
          pool,
          largestBuffer: source.largest,
          tiles: DEFAULT_TILES,
          half: this.precision === '16-mixed' ? 'f16' : undefined,
          parameter: (parameter) => parameters.find(parameter)!,
          constant: (value, what) => constants.place(value, what),
        })
        this.latest = costOf(planned, pool.bytes + parameters.bytes + constants.bytes)
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

// As large as WebGPU's buffers may be bound on most GPUs.
const source: BufferSource = { largest: 2 ** 31 - 256, create: buffer }

function costOf({ commands, outputs }: PlannedRun, peakBytes: number): RunCost {
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
