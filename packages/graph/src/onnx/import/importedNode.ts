import type { TensorData } from '../../dtype.js'
import type { Tensor } from '../../tensor.js'
import { type AttributeKind, type AttributeValues, attributeValue } from '../proto/attribute.js'
import type { AttributeProto, GraphProto, NodeProto } from '../proto/model.js'
import { constantData } from './constantData.js'
import { type ImportPlace, OnnxImportError, OnnxUnsupportedError } from './errors.js'

/** A value of the model: a tensor, which initializers become only when a node reads them as one. */
export interface ImportedValue {
  /** The tensor; `role` is what an initializer is for if this is its first reader. */
  tensor(role?: 'parameter' | 'buffer'): Tensor
  /** Elements, if they are part of the file. */
  readonly data: TensorData | undefined
}

/** A graph inside a node: the body of an If, Loop or Scan. */
export interface Subgraph {
  readonly proto: GraphProto
  /** Builds the graph's nodes on values for its inputs; outer names stay visible. */
  build(inputs: readonly Tensor[]): readonly Tensor[]
}

/** What the importer knows of one node. */
export interface NodeContext {
  readonly proto: NodeProto
  readonly domain: string
  /** Opset version of the node's domain. */
  readonly version: number
  readonly place: ImportPlace
  readonly inputs: readonly (ImportedValue | null)[]
  readonly attributes: ReadonlyMap<string, AttributeProto>
  subgraph(proto: GraphProto): Subgraph
}

/** A node as import rules see it: inputs and attributes with checks that name the node when they fail. */
export class ImportedNode {
  readonly #context: NodeContext
  readonly #read = new Set<string>()

  constructor(context: NodeContext) {
    this.#context = context
  }

  get type(): string {
    return this.#context.proto.opType
  }

  /** Opset version of the node's domain in the model. */
  get version(): number {
    return this.#context.version
  }

  get outputCount(): number {
    return this.#context.proto.output.length
  }

  /** Whether output `i` has a name, so that somebody may read it. */
  wants(i: number): boolean {
    return !!this.#context.proto.output[i]
  }

  /** Throws an OnnxImportError that names the node. */
  fail(problem: string, cause?: unknown): never {
    throw new OnnxImportError(problem, this.#context.place, cause === undefined ? undefined : { cause })
  }

  /** Throws an OnnxUnsupportedError that names the node. */
  unsupported(problem: string): never {
    throw new OnnxUnsupportedError(problem, this.#context.place)
  }

  /** Input `i`, which must be there. */
  input(i: number, role?: 'parameter' | 'buffer'): Tensor {
    return this.optional(i, role) ?? this.fail(`input ${i} is missing.`)
  }

  /** Input `i`, or null if it was left out. */
  optional(i: number, role?: 'parameter' | 'buffer'): Tensor | null {
    return this.#context.inputs[i]?.tensor(role) ?? null
  }

  /** Whether input `i` was given. */
  has(i: number): boolean {
    return !!this.#context.inputs[i]
  }

  /** All inputs; null where one was left out. */
  inputs(from = 0): (Tensor | null)[] {
    return this.#context.inputs.slice(from).map((value) => value?.tensor() ?? null)
  }

  /** All inputs, none of which may be left out. */
  everyInput(from = 0): Tensor[] {
    return this.inputs(from).map((tensor, i) => tensor ?? this.fail(`input ${i + from} is missing.`))
  }

  /** Elements of input `i` if they are known now: an initializer, a constant, or computed from constants. */
  data(i: number): TensorData | undefined {
    const value = this.#context.inputs[i]
    return value ? (value.data ?? constantData(value.tensor())) : undefined
  }

  /** Numbers in input `i`, which must be known now; undefined if it was left out. */
  numbers(i: number, name: string): number[] | undefined {
    if (!this.has(i)) return undefined
    const data = this.data(i)
    if (!data)
      return this.unsupported(`its ${name} (input ${i}) must be a constant; found a value computed at run time.`)
    if (data.dtype === 'float16' || data.dtype === 'bfloat16')
      return this.unsupported(`its ${name} (input ${i}) is ${data.dtype}; expected integers, float32 or float64.`)
    return Array.from(data.data as ArrayLike<number | bigint>, Number)
  }

  /** The number in input `i`, which must be known now; undefined if it was left out. */
  number(i: number, name: string): number | undefined {
    const values = this.numbers(i, name)
    if (values && values.length !== 1)
      this.fail(`its ${name} (input ${i}) should be one number, found ${values.length}.`)
    return values?.[0]
  }

  /** Whether the attribute was given. */
  hasAttribute(name: string): boolean {
    this.#read.add(name)
    return this.#context.attributes.has(name)
  }

  int(name: string): number | undefined
  int(name: string, fallback: number): number
  int(name: string, fallback?: number): number | undefined {
    return this.#attribute(name, 'INT') ?? fallback
  }

  float(name: string): number | undefined
  float(name: string, fallback: number): number
  float(name: string, fallback?: number): number | undefined {
    return this.#attribute(name, 'FLOAT') ?? fallback
  }

  string(name: string): string | undefined
  string(name: string, fallback: string): string
  string(name: string, fallback?: string): string | undefined {
    return this.#attribute(name, 'STRING') ?? fallback
  }

  /** One of `allowed`; `fallback` if the attribute is not there. */
  choice<T extends string>(name: string, allowed: readonly T[], fallback: T): T {
    const value = this.string(name, fallback)
    const found = allowed.find((choice) => choice === value)
    return found ?? this.unsupported(`${name} ${JSON.stringify(value)} is not one of ${allowed.join(', ')}.`)
  }

  ints(name: string): readonly number[] | undefined {
    return this.#attribute(name, 'INTS')
  }

  floats(name: string): readonly number[] | undefined {
    return this.#attribute(name, 'FLOATS')
  }

  strings(name: string): readonly string[] | undefined {
    return this.#attribute(name, 'STRINGS')
  }

  /** An attribute of any type, e.g. the forms of Constant. */
  attribute<K extends AttributeKind>(name: string, kind: K): AttributeValues[K] | undefined {
    return this.#attribute(name, kind)
  }

  /** The graph in an attribute, which must be there. */
  subgraph(name: string): Subgraph {
    const proto = this.#attribute(name, 'GRAPH') ?? this.fail(`its graph ${name} is missing.`)
    return this.#context.subgraph(proto)
  }

  /** Marks an attribute as one that does not change the result here. */
  ignore(...names: readonly string[]): void {
    for (const name of names) this.#read.add(name)
  }

  /** Attributes that no rule has looked at: a mistake in the model, or a newer form of the op. */
  checkAttributes(): void {
    const unread = [...this.#context.attributes.keys()].filter((name) => !this.#read.has(name))
    if (unread.length > 0) this.fail(`it has no attribute ${unread.join(', ')} in this version.`)
  }

  #attribute<K extends AttributeKind>(name: string, kind: K): AttributeValues[K] | undefined {
    this.#read.add(name)
    const proto = this.#context.attributes.get(name)
    if (!proto) return undefined
    const found = attributeValue(proto)
    if (found.kind !== kind) this.fail(`attribute ${name} should be of type ${kind}, found ${found.kind}.`)
    return found.value as AttributeValues[K]
  }
}
