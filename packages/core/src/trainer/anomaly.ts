import {
  cast,
  concat,
  isFloat,
  isInf,
  isNan,
  Parameter,
  reduceSum,
  type Tensor,
  type TensorData,
  topologicalOrder,
  unsqueeze,
} from '@nemo/graph'

/** Part of a training step. */
export type StepPhase = 'forward' | 'backward' | 'optimizer'

/** An op's output that holds values which are no numbers. */
export interface NonFiniteOutput {
  /** ONNX type of the op, e.g. `Log`; `Input` and `Parameter` for what came in so. */
  readonly op: string
  /** Modules around the op, e.g. `encoder/block0`; empty outside of all. */
  readonly scope: string
  /** Which output of the op, from 0. */
  readonly output: number
  readonly phase: StepPhase
  /** Name of the input or weight, where it is one. */
  readonly name: string | undefined
  readonly nans: number
  readonly infinities: number
  /** dtype and shape, e.g. `float32[B, 64, T]`. */
  readonly type: string
  /** What the op read. */
  readonly inputs: readonly string[]
}

/** Where a step went wrong. */
export interface Anomaly {
  /** The first NaN or infinity of those that reached the loss, the gradients or the weights. */
  readonly first: NonFiniteOutput
  /** The first NaN, where an infinity came before it. */
  readonly firstNan: NonFiniteOutput | undefined
}

/** A step's results, by where they come from. */
export interface StepTensors {
  /** The loss and the model's other outputs. */
  readonly forward: readonly Tensor[]
  readonly gradients: readonly Tensor[]
  /** New values of weights and states. */
  readonly updates: readonly Tensor[]
}

/**
 * Watches every float tensor of a training step for NaN and infinities. `counts` is to be computed from the step's inputs;
 * `explain` finds from it the op that made the first value which is no number. It costs a few small nodes for each of the
 * step's, and memory, since values are kept until they are counted.
 *
 * Infinities that come to nothing, such as those of a mask before a softmax, are no anomaly: only those count that spoil
 * the loss, a gradient or a new weight.
 */
export class AnomalyProbe {
  /** NaNs and infinities of each watched tensor, float32 `[2 N]`. */
  readonly counts: Tensor
  readonly #watched: readonly Tensor[]
  readonly #phases: ReadonlyMap<unknown, StepPhase>
  readonly #results: readonly Tensor[]

  constructor({ forward, gradients, updates }: StepTensors) {
    this.#results = [...forward, ...gradients, ...updates].filter(({ dtype }) => isFloat(dtype))
    const order = topologicalOrder(this.#results)
    const phases = new Map<unknown, StepPhase>(order.map((node) => [node, 'optimizer']))
    for (const node of topologicalOrder(gradients)) phases.set(node, 'backward')
    for (const node of topologicalOrder(forward)) phases.set(node, 'forward')
    this.#phases = phases
    const read = new Set<Tensor | null>([...this.#results, ...order.flatMap((node) => node.inputs)])
    this.#watched = order
      .flatMap((node) => node.outputs)
      .filter((tensor) => read.has(tensor) && isFloat(tensor.dtype) && !tensor.constant)
    const count = (flags: Tensor) => unsqueeze(reduceSum(cast(flags, 'float32')), 0)
    this.counts = concat(
      this.#watched.flatMap((tensor) => [count(isNan(tensor)), count(isInf(tensor))]),
      0,
    )
  }

  /**
   * @param counts - The value of `counts` after a step.
   * @returns undefined if all results are numbers.
   */
  explain(counts: TensorData): Anomaly | undefined {
    const found = new Map<Tensor, { readonly nans: number; readonly infinities: number }>()
    this.#watched.forEach((tensor, i) => {
      const [nans, infinities] = [Number(counts.data[2 * i]), Number(counts.data[2 * i + 1])]
      if (nans + infinities > 0) found.set(tensor, { nans, infinities })
    })
    // Back from the spoilt results, along spoilt values.
    const reached = new Set<Tensor>()
    const open = this.#results.filter((tensor) => found.has(tensor))
    while (open.length > 0) {
      const tensor = open.pop()!
      if (reached.has(tensor)) continue
      reached.add(tensor)
      for (const input of tensor.node.inputs) if (input && found.has(input)) open.push(input)
    }
    const ordered = [...reached].sort((a, b) => a.node.id - b.node.id || a.index - b.index)
    const first = ordered[0]
    if (!first) return undefined
    const describe = (tensor: Tensor) => this.#describe(tensor, found.get(tensor)!)
    const nan = ordered.find((tensor) => found.get(tensor)!.nans > 0)
    return { first: describe(first), firstNan: nan && nan !== first ? describe(nan) : undefined }
  }

  #describe(tensor: Tensor, counts: { readonly nans: number; readonly infinities: number }): NonFiniteOutput {
    const { node, index } = tensor
    return {
      op: node.op.type,
      scope: node.scope,
      output: index,
      phase: this.#phases.get(node) ?? 'optimizer',
      name: nameOf(tensor),
      ...counts,
      type: String(tensor),
      inputs: node.inputs.flatMap((input) => (input ? [nameOf(input) ?? `${input} of ${input.node.describe()}`] : [])),
    }
  }
}

function nameOf(tensor: Tensor): string | undefined {
  if (tensor instanceof Parameter) return tensor.name
  return tensor.node.op.type === 'Input' ? tensor.node.attribute<string>('name') : undefined
}

const PHASES: Readonly<Record<StepPhase, string>> = {
  forward: 'the forward pass',
  backward: 'the backward pass',
  optimizer: 'the update of the weights',
}

/** What went wrong and where, as sentences. */
export function describeAnomaly({ first, firstNan }: Anomaly): string {
  const lead = `The first value that is no number ${origin(first)}.`
  return firstNan ? `${lead} The first NaN of it ${origin(firstNan)}.` : lead
}

function origin({ op, scope, output, phase, name, nans, infinities, type, inputs }: NonFiniteOutput): string {
  const counts = [nans > 0 ? `${nans} NaN` : '', infinities > 0 ? `${infinities} infinite` : ''].filter(Boolean)
  const values = `${type} with ${counts.join(' and ')}`
  if (name !== undefined) return `came in with ${op === 'Input' ? 'the batch, as' : 'the parameter'} ${name}: ${values}`
  const place = scope === '' ? op : `${op} at ${scope}`
  const read = inputs.length > 0 ? `, from ${inputs.join(' and ')}` : ''
  return `was made by ${place} in ${PHASES[phase]}: output ${output}, ${values}${read}`
}
