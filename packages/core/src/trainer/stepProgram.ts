import { compile, type Parameter, type Program, type Runtime, type Tensor, type TensorData } from '@nemo/graph'
import { type Anomaly, AnomalyProbe, type StepTensors } from './anomaly.js'

/** What a part of a training step computes. */
export interface StepGraph {
  readonly outputs: Readonly<Record<string, Tensor>>
  readonly updates: readonly (readonly [Parameter, Tensor])[]
  readonly gradients: readonly Tensor[]
}

/** How it is compiled. */
export interface StepProgramOptions {
  readonly runtime: Runtime
  /** Look for the op that makes the first NaN or infinity. */
  readonly detectAnomaly: boolean
  /** Prefix of profiles that the runtime shall write. */
  readonly profilePrefix?: string | undefined
}

const COUNTS = 'anomaly_counts'

/** A program of the training step: watched for anomalies, or profiled, where that is wanted. */
export class StepProgram {
  readonly #program: Program
  readonly #probe: AnomalyProbe | undefined

  private constructor(program: Program, probe: AnomalyProbe | undefined) {
    this.#program = program
    this.#probe = probe
  }

  /** Compiles the outputs and updates of a graph. */
  static async compile(graph: StepGraph, options: StepProgramOptions): Promise<StepProgram> {
    const { runtime, detectAnomaly, profilePrefix } = options
    const { outputs, updates } = graph
    const probe = detectAnomaly ? new AnomalyProbe(watched(graph)) : undefined
    const wanted: Record<string, Tensor> = probe ? { ...outputs, [COUNTS]: probe.counts } : outputs
    const program = await compile(wanted, { runtime, updates, ...(profilePrefix !== undefined && { profilePrefix }) })
    return new StepProgram(program, probe)
  }

  get inputs(): Program['inputs'] {
    return this.#program.inputs
  }

  /** Runs it once; `random` is the key of random ops. */
  async run(
    feeds: Readonly<Record<string, TensorData>>,
    random?: { readonly seed: number; readonly step: number },
  ): Promise<{ readonly results: Readonly<Record<string, TensorData>>; readonly anomaly: Anomaly | undefined }> {
    const results: Record<string, TensorData> = await this.#program.run(feeds, random)
    return { results, anomaly: this.#probe?.explain(results[COUNTS]!) }
  }

  /** Memory of its activations, in bytes, once it has run. */
  async workspaceBytes(): Promise<number> {
    return (await this.#program.memory()).workspaceBytes
  }

  dispose(): Promise<void> {
    return this.#program.dispose()
  }
}

function watched({ outputs, updates, gradients }: StepGraph): StepTensors {
  const { grad_norm, ...forward } = outputs
  const late = [...updates.map(([, value]) => value), ...(grad_norm ? [grad_norm] : [])]
  return { forward: Object.values(forward), gradients, updates: late }
}
