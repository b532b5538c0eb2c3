import type { Body } from '../body.js'
import type { DType, TensorData } from '../dtype.js'
import { CompileError } from '../errors.js'
import type { AttributeValue } from '../op.js'
import { Cast } from '../ops/cast.js'
import { Constant, Input } from '../ops/leaves.js'
import { Scan } from '../ops/scan.js'
import { ParameterLeaf } from '../parameter.js'
import type { Node, Tensor } from '../tensor.js'
import { topologicalOrder } from '../traverse.js'
import { DimParams } from './dimParams.js'
import { DOMAIN_VERSIONS, IR_VERSION } from './opset.js'
import {
  type AttributeProto,
  AttributeType,
  type GraphProto,
  type ModelProto,
  type NodeProto,
  type StringStringEntry,
  type TensorProto,
  type TensorShapeProto,
  type ValueInfoProto,
} from './proto/model.js'
import { arrayToTensor, dataTypeOf, type TensorArray } from './proto/tensor.js'

/** A named tensor at the border of a graph. */
export interface NamedTensor {
  readonly name: string
  readonly tensor: Tensor
}

/** What to write into a model. */
export interface EmitOptions {
  /** Values that the model is fed; parameters listed here become inputs. */
  readonly inputs: readonly NamedTensor[]
  readonly outputs: readonly NamedTensor[]
  /** Parameters written into the file, by tensor. */
  readonly initializers?: ReadonlyMap<Tensor, { readonly name: string; readonly value: TensorData }>
  /** Also describes all intermediate values of the main graph. */
  readonly valueInfo?: boolean
  readonly metadata?: Readonly<Record<string, string>>
  readonly producerName?: string
  readonly producerVersion?: string
  readonly graphName?: string
  readonly docString?: string
}

/** Writes a graph of ONNX ops as a model. Ops of our own must have been decomposed before. */
export function emitModel(options: EmitOptions): ModelProto {
  const dims = new DimParams(options.inputs.map(({ tensor }) => tensor.shape))
  const describe = ({ name, tensor }: NamedTensor) => valueInfo(name, tensor.dtype, dims.named(tensor.shape, name))
  const [input, output] = [options.inputs.map(describe), options.outputs.map(describe)]
  const emitter = new Emitter(dims)
  for (const { name, tensor } of options.inputs) emitter.declare(tensor, name)
  for (const [tensor, { name, value }] of options.initializers ?? []) emitter.initializer(tensor, name, value)
  const outputNames = new Map<string, Tensor>(options.outputs.map(({ name, tensor }) => [name, tensor]))
  if (outputNames.size !== options.outputs.length) {
    throw new CompileError(`Output names must be unique, found ${options.outputs.map((o) => o.name).join(', ')}.`)
  }
  emitter.nodes(topologicalOrder(options.outputs.map(({ tensor }) => tensor)), options.outputs)
  const metadataProps: StringStringEntry[] = Object.entries(options.metadata ?? {}).map(([key, value]) => ({
    key,
    value,
  }))
  return {
    irVersion: IR_VERSION,
    opsetImport: [...emitter.domains].sort().map((domain) => ({ domain, version: DOMAIN_VERSIONS[domain] ?? 1 })),
    producerName: options.producerName ?? 'nemo-ts',
    producerVersion: options.producerVersion ?? '',
    docString: options.docString ?? '',
    graph: {
      name: options.graphName ?? 'graph',
      node: emitter.protoNodes,
      initializer: emitter.initializers,
      input,
      output,
      ...(options.valueInfo && { valueInfo: emitter.describeNodes(outputNames) }),
    },
    metadataProps,
  }
}

function valueInfo(name: string, dtype: DType, shape: TensorShapeProto): ValueInfoProto {
  return { name, type: { tensorType: { elemType: dataTypeOf(dtype), shape } } }
}

class Emitter {
  readonly protoNodes: NodeProto[] = []
  readonly initializers: TensorProto[] = []
  readonly domains = new Set<string>([''])
  readonly #names = new Map<Tensor, string>()
  readonly #taken = new Set<string>()
  readonly #dims: DimParams
  #sink: NodeProto[] = this.protoNodes
  // Tensors named inside the body that is being written. Bodies share nodes (a loop and its gradient), and each writes its own.
  #local: Tensor[] | undefined

  constructor(dims: DimParams) {
    this.#dims = dims
  }

  /** Types of the values that nodes of the main graph make, but for those in `except`. */
  describeNodes(except: ReadonlyMap<string, unknown>): ValueInfoProto[] {
    const made = new Set(this.protoNodes.flatMap(({ output }) => output))
    return [...this.#names].flatMap(([tensor, name]) =>
      made.has(name) && !except.has(name) ? [valueInfo(name, tensor.dtype, this.#dims.open(tensor.shape))] : [],
    )
  }

  declare(tensor: Tensor, name: string): void {
    if (this.#taken.has(name))
      throw new CompileError(`Two values are named ${name}; names must be unique in a program.`)
    this.#taken.add(name)
    this.#give(tensor, name)
  }

  initializer(tensor: Tensor, name: string, value: TensorData): void {
    this.declare(tensor, name)
    this.initializers.push(arrayToTensor(value as TensorArray, name))
  }

  /** Emits nodes in order; `outputs` get their names directly where the node is theirs alone. */
  nodes(order: readonly Node[], outputs: readonly NamedTensor[]): void {
    const wanted = new Map<Tensor, string>()
    const aliases: NamedTensor[] = []
    for (const { name } of outputs) {
      if (this.#taken.has(name))
        throw new CompileError(`Output ${name} has the name of an input; names must be unique.`)
    }
    for (const output of outputs) {
      const leaf = output.tensor.node.inputs.length === 0 || this.#names.has(output.tensor)
      if (leaf || wanted.has(output.tensor)) aliases.push(output)
      else {
        this.#taken.add(output.name)
        wanted.set(output.tensor, output.name)
      }
    }
    for (const node of order) this.#node(node, wanted)
    for (const { name, tensor } of aliases) {
      this.#sink.push({
        opType: 'Identity',
        input: [this.#name(tensor)],
        output: [name],
        attribute: [],
        name: `${name}/Identity`,
      })
    }
  }

  #node(node: Node, wanted: ReadonlyMap<Tensor, string>): void {
    if (node.outputs.length > 0 && this.#names.has(node.outputs[0]!)) return
    if (node.op === Constant) {
      const tensor = node.outputs[0]!
      const name = this.#fresh(node, 'Constant')
      this.#names.set(tensor, name)
      this.initializers.push(arrayToTensor(node.attribute<TensorData>('value') as TensorArray, name))
      return
    }
    if (node.op === Input || node.op === ParameterLeaf) {
      const name = String(node.attributes.name)
      throw new CompileError(`${name} is read by the program but is neither an input nor a parameter of it.`)
    }
    if (node.op.domain === 'nemo') {
      throw new CompileError(`${node.describe()} has no definition in ONNX ops and the runtime does not know it.`)
    }
    this.domains.add(node.op.domain)
    const name = this.#fresh(node, node.op.type)
    node.outputs.forEach((tensor, i) => {
      this.#give(tensor, wanted.get(tensor) ?? (i === 0 ? name : `${name}:${i}`))
    })
    const isScan = node.op === Scan
    const inputs = isScan
      ? node.inputs.slice(0, node.attribute<number>('num_states') + node.attribute<number>('num_scan_inputs'))
      : node.inputs
    this.#sink.push({
      name,
      opType: node.op.type,
      domain: node.op.domain,
      input: inputs.map((tensor) => (tensor ? this.#name(tensor) : '')),
      output: node.outputs.map((tensor) => this.#name(tensor)),
      attribute: isScan ? this.#scanAttributes(node, name) : attributesOf(node),
    })
  }

  #scanAttributes(node: Node, name: string): AttributeProto[] {
    const {
      body,
      num_states: S,
      num_scan_inputs: X,
      reverse,
    } = node.attributes as { body: Body; num_states: number; num_scan_inputs: number; reverse: number }
    const rows = body.outputs.length - S
    const outerLocal = this.#local
    this.#local = []
    // Captured values are read from the outer graph by their names there.
    body.inputs.slice(S + X).forEach((formal, k) => {
      this.#give(formal, this.#name(node.inputs[S + X + k]!))
    })
    const formals = body.inputs.slice(0, S + X).map((tensor, i) => ({ name: `${name}/in${i}`, tensor }))
    for (const formal of formals) this.declare(formal.tensor, formal.name)
    const outer = this.#sink
    const bodyNodes: NodeProto[] = []
    this.#sink = bodyNodes
    const outputs = body.outputs.map((tensor, i) => ({ name: `${name}/out${i}`, tensor }))
    this.nodes(topologicalOrder(body.outputs), outputs)
    this.#sink = outer
    for (const tensor of this.#local) this.#names.delete(tensor)
    this.#local = outerLocal
    const graph: GraphProto = {
      name: `${name}/body`,
      node: bodyNodes,
      initializer: [],
      input: formals.map((f) => valueInfo(f.name, f.tensor.dtype, this.#dims.open(f.tensor.shape))),
      output: outputs.map((o) => valueInfo(o.name, o.tensor.dtype, this.#dims.open(o.tensor.shape))),
    }
    const attributes: AttributeProto[] = [
      { name: 'body', type: AttributeType.GRAPH, g: graph },
      { name: 'num_scan_inputs', type: AttributeType.INT, i: X },
    ]
    if (reverse) {
      attributes.push({ name: 'scan_input_directions', type: AttributeType.INTS, ints: new Array<number>(X).fill(1) })
      if (rows > 0)
        attributes.push({
          name: 'scan_output_directions',
          type: AttributeType.INTS,
          ints: new Array<number>(rows).fill(1),
        })
    }
    return attributes
  }

  #give(tensor: Tensor, name: string): void {
    this.#names.set(tensor, name)
    this.#local?.push(tensor)
  }

  #name(tensor: Tensor): string {
    const name = this.#names.get(tensor)
    if (name === undefined) throw new CompileError(`${tensor} of ${tensor.node.describe()} is used before it is made.`)
    return name
  }

  #fresh(node: Node, type: string): string {
    const base = node.scope === '' ? type : `${node.scope}/${type}`
    let name = base
    for (let i = 1; this.#taken.has(name); i++) name = `${base}_${i}`
    this.#taken.add(name)
    return name
  }
}

const encoder = new TextEncoder()

function attributesOf(node: Node): AttributeProto[] {
  const protos: AttributeProto[] = []
  for (const [name, spec] of Object.entries(node.op.attributes)) {
    const value: AttributeValue = node.attributes[name]
    if (value === undefined) continue
    if (node.op === Cast) {
      protos.push({ name, type: AttributeType.INT, i: dataTypeOf(value as DType) })
      continue
    }
    switch (spec.kind) {
      case 'int':
        protos.push({ name, type: AttributeType.INT, i: value as number })
        break
      case 'float':
        protos.push({ name, type: AttributeType.FLOAT, f: value as number })
        break
      case 'string':
        protos.push({ name, type: AttributeType.STRING, s: encoder.encode(value as string) })
        break
      case 'ints':
        protos.push({ name, type: AttributeType.INTS, ints: [...(value as readonly number[])] })
        break
      case 'floats':
        protos.push({ name, type: AttributeType.FLOATS, floats: [...(value as readonly number[])] })
        break
      case 'strings':
        protos.push({
          name,
          type: AttributeType.STRINGS,
          strings: (value as readonly string[]).map((s) => encoder.encode(s)),
        })
        break
      case 'tensor':
        protos.push({ name, type: AttributeType.TENSOR, t: arrayToTensor(value as TensorArray) })
        break
      case 'graph':
        throw new CompileError(`${node.describe()}: only Scan carries a graph.`)
    }
  }
  return protos
}
