import {
  cast,
  compile,
  equal,
  isFloat,
  type Parameter,
  type Program,
  type Runtime,
  reduceSum,
  sub,
  sum,
  type Tensor,
  type TensorData,
  where,
} from '@nemo/graph'
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

type Feeds = Readonly<Record<string, TensorData>>
type RandomKey = { readonly seed: number; readonly step: number }

const SOUND = 'sound'

/**
 * A program of the training step: profiled, or watched for anomalies, where that is wanted. A watched program changes
 * nothing if one of its results is no number; the same step is then run again, by a program that watches every op.
 */
export class StepProgram {
  readonly #program: Program
  readonly #graph: StepGraph
  readonly #options: StepProgramOptions

  private constructor(program: Program, graph: StepGraph, options: StepProgramOptions) {
    this.#program = program
    this.#graph = graph
    this.#options = options
  }

  /** Compiles the outputs and updates of a graph. */
  static async compile(graph: StepGraph, options: StepProgramOptions): Promise<StepProgram> {
    const { runtime, detectAnomaly, profilePrefix } = options
    const { outputs, updates } = detectAnomaly ? guarded(graph) : graph
    const program = await compile(outputs, { runtime, updates, ...(profilePrefix !== undefined && { profilePrefix }) })
    return new StepProgram(program, graph, options)
  }

  get inputs(): Program['inputs'] {
    return this.#program.inputs
  }

  /** Runs it once; `random` is the key of random ops. */
  async run(
    feeds: Feeds,
    random?: RandomKey,
  ): Promise<{ readonly results: Feeds; readonly anomaly: Anomaly | undefined }> {
    const results: Feeds = await this.#program.run(feeds, random)
    const spoilt = results[SOUND] && Number(results[SOUND].data[0]) === 0
    return { results, anomaly: spoilt ? await this.#findAnomaly(feeds, random) : undefined }
  }

  async #findAnomaly(feeds: Feeds, random: RandomKey | undefined): Promise<Anomaly | undefined> {
    const probe = new AnomalyProbe(tensorsOf(this.#graph))
    const program = await compile({ counts: probe.counts }, { runtime: this.#options.runtime })
    try {
      const { counts } = await program.run(feeds, random)
      return probe.explain(counts)
    } finally {
      await program.dispose()
    }
  }

  /** Memory of its activations, in bytes, once it has run. */
  async workspaceBytes(): Promise<number> {
    return (await this.#program.memory()).workspaceBytes
  }

  dispose(): Promise<void> {
    return this.#program.dispose()
  }
}

// Parameters keep their values unless all results are numbers.
function guarded({ outputs, updates }: StepGraph): Pick<StepGraph, 'outputs' | 'updates'> {
  const results = [...Object.values(outputs), ...updates.map(([, value]) => value)]
  // A number less itself is 0; NaN and infinities give NaN.
  const differences = results.filter(({ dtype }) => isFloat(dtype)).map((tensor) => reduceSum(sub(tensor, tensor)))
  const sound = equal(sum(differences), 0)
  return {
    outputs: { ...outputs, [SOUND]: cast(sound, 'float32') },
    updates: updates.map(([parameter, value]) => [parameter, where(sound, value, parameter)]),
  }
}

function tensorsOf({ outputs, updates, gradients }: StepGraph): StepTensors {
  const { grad_norm, ...forward } = outputs
  const late = [...updates.map(([, value]) => value), ...(grad_norm ? [grad_norm] : [])]
  return { forward: Object.values(forward), gradients, updates: late }
}
