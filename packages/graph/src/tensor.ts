import type { Dim, Shape } from './dim.js'
import { formatShape } from './dim.js'
import type { DType, TensorData } from './dtype.js'
import type { Attributes, AttributeValue, OpDefinition } from './op.js'
import { currentScope } from './scope.js'

let nextNodeId = 0

/** What an op says about one of its outputs. */
export interface OutputSpec {
  readonly dtype: DType
  readonly shape: Shape
  /** Elements of a small integer tensor when they are known while the graph is built; feeds shape rules downstream. */
  readonly known?: readonly Dim[] | undefined
}

/**
 * One application of an op. Nodes are immutable and are created in topological order: an input's id is always smaller.
 */
export class Node {
  readonly id: number = nextNodeId++
  readonly outputs: readonly Tensor[]
  /** Slash-separated names of the modules that were building when this node was made; for messages and profiles. */
  readonly scope: string = currentScope()

  constructor(
    readonly op: OpDefinition,
    readonly inputs: readonly (Tensor | null)[],
    readonly attributes: Attributes,
    specs: readonly OutputSpec[],
  ) {
    this.outputs = specs.map((spec, index) => new Tensor(this, index, spec))
  }

  /** `Conv at encoder/block0`, for messages. */
  describe(): string {
    return this.scope === '' ? this.op.type : `${this.op.type} at ${this.scope}`
  }

  /** An attribute that the op declares as always present. */
  attribute<T extends AttributeValue>(name: string): T {
    return this.attributes[name] as T
  }
}

/**
 * A value in a graph that is not computed yet: dtype, shape and the node that makes it. Nothing computes until a
 * program that was compiled from it runs.
 */
export class Tensor {
  readonly dtype: DType
  readonly shape: Shape
  readonly known: readonly Dim[] | undefined

  constructor(
    readonly node: Node,
    readonly index: number,
    spec: OutputSpec,
  ) {
    this.dtype = spec.dtype
    this.shape = spec.shape
    this.known = spec.known
  }

  get rank(): number {
    return this.shape.length
  }

  /** Elements of a constant, if this is one. */
  get constant(): TensorData | undefined {
    return this.node.op.type === 'Constant' ? (this.node.attributes.value as TensorData) : undefined
  }

  /** Size of one axis; negative axes count from the end. */
  dim(axis: number): Dim {
    const dim = this.shape.at(axis)
    if (dim === undefined) throw new RangeError(`Axis ${axis} is outside ${this}.`)
    return dim
  }

  toString(): string {
    return `${this.dtype}${formatShape(this.shape)}`
  }
}
