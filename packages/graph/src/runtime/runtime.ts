import type { TensorData } from '../dtype.js'
import type { NamedTensor } from '../onnx/emit.js'
import type { Parameter, ParameterStore } from '../parameter.js'
import type { Tensor } from '../tensor.js'

/** A program as a runtime gets it: simplified, borders named. */
export interface Plan {
  readonly inputs: readonly NamedTensor[]
  readonly parameters: readonly Parameter[]
  readonly outputs: readonly NamedTensor[]
  readonly updates: readonly { readonly parameter: Parameter; readonly tensor: Tensor }[]
  /** Parameters keep their present value for ever, so that the runtime may fold and repack them. */
  readonly freezeParameters: boolean
  /** Where to write a profile; runtimes that cannot refuse the plan. */
  readonly profilePrefix?: string
}

/** A plan made ready to run. */
export interface Executable {
  /** Runs once; applies the updates; returns the outputs by name. */
  run(feeds: ReadonlyMap<string, TensorData>): Promise<Record<string, TensorData>>
  /** What the program holds; see MemoryReport. */
  memory(): Promise<MemoryReport>
  /** Frees sessions and buffers; parameters stay. */
  dispose(): Promise<void>
}

/** Memory of a program, in bytes. */
export interface MemoryReport {
  /** Parameters that it reads or updates: weights, statistics, states of optimisers. Programs share them. */
  readonly parameterBytes: number
  /** Second buffers, into which updated parameters are written while the old values are read. */
  readonly updateBytes: number
  /**
   * Growth of the process while the program first ran, without the above: its activations, in memory that the runtime
   * keeps for the next run. An estimate from outside; 0 where the process cannot be asked (browsers).
   */
  readonly workspaceBytes: number
  /** Highest resident memory of the whole process so far; 0 where it cannot be asked. */
  readonly peakResidentBytes: number
}

/**
 * How a runtime stores what it computes on the way: all in float32, or with `16-mixed` what stands it in half precision,
 * as PyTorch's autocast chooses. Weights and states are float32 in both.
 */
export type Precision = '32' | '16-mixed'

/** Something that executes graphs. */
export interface Runtime extends ParameterStore {
  /** `ort`, `webgpu`. */
  readonly name: string
  /** Default `32`. */
  readonly precision?: Precision
  compile(plan: Plan): Promise<Executable>
  /** Frees everything, after bringing parameters home. */
  dispose(): Promise<void>
}
