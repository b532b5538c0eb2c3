import { attributeValue } from './attribute.js'
import { OnnxFormatError } from './errors.js'
import {
  type AttributeProto,
  type FunctionProto,
  type GraphProto,
  type ModelProto,
  type NodeProto,
  type OperatorSetId,
  type SparseTensorProto,
  TensorDataLocation,
  type TensorProto,
  type TensorTypeProto,
  type TypeProto,
  type ValueInfoProto,
} from './model.js'
import { maximumDepth } from './schema.js'
import { dataTypeName, dtypeOf, tensorToArray } from './tensor.js'

/** Options of `formatModel`. */
export interface FormatModelOptions {
  /** Tensors and lists of more elements than this are shown by type alone. Default 8. */
  readonly maximumElements?: number
}

// Characters that would make a line ambiguous; the rest of ONNX's odd names (`/encoder/0/Conv`, `onnx::Add_3`) is kept.
const plainName = /^[^\s(),=[\]{}"#]+$/

function name(text: string | undefined): string {
  if (text === undefined || text === '') return '_'
  return plainName.test(text) && text !== '_' ? text : JSON.stringify(text)
}

function elementType(dataType: number): string {
  return dtypeOf(dataType) ?? dataTypeName(dataType).toLowerCase()
}

function tensorType({ elemType, shape }: TensorTypeProto): string {
  if (!shape) return `${elementType(elemType)}[...]`
  const dims = shape.dim.map(({ dimValue, dimParam }) => dimValue ?? (dimParam ? name(dimParam) : '?'))
  return `${elementType(elemType)}[${dims.join(', ')}]`
}

function type(of: TypeProto | undefined, depth = 0): string {
  if (!of || depth > maximumDepth) return '?'
  if (of.tensorType) return tensorType(of.tensorType)
  if (of.sparseTensorType) return `sparse(${tensorType(of.sparseTensorType)})`
  if (of.sequenceType) return `seq(${type(of.sequenceType.elemType, depth + 1)})`
  if (of.optionalType) return `optional(${type(of.optionalType.elemType, depth + 1)})`
  if (of.mapType) return `map(${elementType(of.mapType.keyType)}, ${type(of.mapType.valueType, depth + 1)})`
  if (of.opaqueType) return `opaque(${[of.opaqueType.domain, of.opaqueType.name].filter(Boolean).join('.')})`
  return '?'
}

// The shortest decimal that is this 32-bit float: 0.1, not 0.10000000149011612.
function float32(value: number): string {
  if (Object.is(value, -0)) return '-0'
  for (let digits = 6; digits <= 8; digits++) {
    const short = Number(value.toPrecision(digits))
    if (Math.fround(short) === value) return String(short)
  }
  return String(value)
}

function float16(bits: number): string {
  const sign = bits & 0x8000 ? -1 : 1
  const exponent = (bits >> 10) & 31
  const fraction = bits & 1023
  if (exponent === 31) return String(fraction ? Number.NaN : sign * Number.POSITIVE_INFINITY)
  return float32(sign * (exponent === 0 ? fraction * 2 ** -24 : (1024 + fraction) * 2 ** (exponent - 25)))
}

function bfloat16(bits: number): string {
  return float32(new Float32Array(Uint32Array.of(bits << 16).buffer)[0]!)
}

function operatorSets(sets: readonly OperatorSetId[]): string {
  return sets
    .map(({ domain, version }) => `${name(domain === undefined || domain === '' ? 'ai.onnx' : domain)} ${version}`)
    .join(', ')
}

class Printer {
  private readonly lines: string[] = []

  constructor(private readonly maximumElements: number) {}

  toString(): string {
    return this.lines.map((line) => `${line}\n`).join('')
  }

  model(model: ModelProto): void {
    const producer = [model.producerName, model.producerVersion].filter(Boolean).map(name).join(' ')
    this.line(
      0,
      `model IR ${model.irVersion}, opset ${operatorSets(model.opsetImport)}${producer === '' ? '' : `, by ${producer}`}`,
    )
    if (model.domain) this.line(1, `domain ${name(model.domain)}`)
    if (model.modelVersion !== undefined) this.line(1, `version ${model.modelVersion}`)
    for (const { key, value } of model.metadataProps ?? [])
      this.line(1, `metadata ${name(key)} = ${JSON.stringify(value)}`)
    for (const { name: of, numDevices, device } of model.configuration ?? []) {
      this.line(1, `devices ${name(of)} = [${(device ?? []).map(name).join(', ')}] of ${numDevices ?? 0}`)
    }
    this.graph('', model.graph, 0)
    for (const of of model.functions ?? []) this.function(of)
    for (const { initialization, algorithm, initializationBinding, updateBinding } of model.trainingInfo ?? []) {
      if (initialization) this.graph('training initialization: ', initialization, 0)
      for (const { key, value } of initializationBinding ?? []) this.line(1, `${name(key)} starts as ${name(value)}`)
      if (algorithm) this.graph('training algorithm: ', algorithm, 0)
      for (const { key, value } of updateBinding ?? []) this.line(1, `${name(key)} becomes ${name(value)}`)
    }
  }

  private line(indent: number, text: string): void {
    this.lines.push('  '.repeat(indent) + text)
  }

  private graph(label: string, graph: GraphProto, indent: number): void {
    const typed = (info: ValueInfoProto) => `${name(info.name)}: ${type(info.type)}`
    const inputs = graph.input.map(typed).join(', ')
    const outputs = graph.output.map(typed).join(', ')
    this.line(indent, `${label}graph ${name(graph.name)}(${inputs}) -> (${outputs})`)
    for (const { key, value } of graph.metadataProps ?? [])
      this.line(indent + 1, `metadata ${name(key)} = ${JSON.stringify(value)}`)
    for (const tensor of graph.initializer)
      this.line(indent + 1, `initializer ${name(tensor.name)}: ${this.tensor(tensor)}`)
    for (const sparse of graph.sparseInitializer ?? []) {
      this.line(indent + 1, `initializer ${name(sparse.values.name)}: ${this.sparse(sparse)}`)
    }
    for (const { tensorName, quantParameterTensorNames } of graph.quantizationAnnotation ?? []) {
      const parameters = (quantParameterTensorNames ?? []).map(({ key, value }) => `${name(key)}=${name(value)}`)
      this.line(indent + 1, `quantization ${name(tensorName)}: ${parameters.join(', ')}`)
    }
    const types = new Map<string, TypeProto | undefined>()
    for (const info of [...(graph.valueInfo ?? []), ...graph.input, ...graph.output]) types.set(info.name, info.type)
    this.nodes(graph.node, types, indent + 1)
  }

  private function(of: FunctionProto): void {
    const operator = this.operator(of.domain, of.name, of.overload)
    const parameters = [
      ...of.attribute.map(name),
      ...(of.attributeProto ?? []).map((a) => `${name(a.name)}=${this.attribute(a)}`),
    ]
    const attributes = parameters.length > 0 ? ` {${parameters.join(', ')}}` : ''
    this.line(
      0,
      `function ${operator}(${of.input.map(name).join(', ')})${attributes} -> (${of.output.map(name).join(', ')})`,
    )
    this.line(1, `opset ${operatorSets(of.opsetImport)}`)
    const types = new Map((of.valueInfo ?? []).map((info) => [info.name, info.type]))
    this.nodes(of.node, types, 1)
  }

  private nodes(nodes: readonly NodeProto[], types: ReadonlyMap<string, TypeProto | undefined>, indent: number): void {
    for (const node of nodes) {
      const outputs = node.output.map((output) => {
        const of = types.get(output)
        return of ? `${name(output)}: ${type(of)}` : name(output)
      })
      const graphs: [string, GraphProto][] = []
      const attributes: string[] = []
      for (const attribute of node.attribute) {
        if (attribute.g) graphs.push([name(attribute.name), attribute.g])
        else if (attribute.graphs)
          graphs.push(...attribute.graphs.map((g, i): [string, GraphProto] => [`${name(attribute.name)}[${i}]`, g]))
        else attributes.push(`${name(attribute.name)}=${this.attribute(attribute)}`)
      }
      const call = `${this.operator(node.domain, node.opType, node.overload)}(${node.input.map(name).join(', ')})`
      const more =
        (attributes.length > 0 ? ` {${attributes.join(', ')}}` : '') + (node.name ? `  # ${name(node.name)}` : '')
      this.line(indent, `${outputs.length > 0 ? `${outputs.join(', ')} = ` : ''}${call}${more}`)
      for (const [label, graph] of graphs) {
        if (indent > maximumDepth) this.line(indent + 1, `${label}: ...`)
        else this.graph(`${label}: `, graph, indent + 1)
      }
    }
  }

  private operator(domain: string | undefined, of: string, overload: string | undefined): string {
    const prefix = domain && domain !== 'ai.onnx' ? `${name(domain)}.` : ''
    return `${prefix}${name(of)}${overload ? `:${name(overload)}` : ''}`
  }

  private attribute(attribute: AttributeProto): string {
    if (attribute.refAttrName) return `@${name(attribute.refAttrName)}`
    return attempt(() => {
      const { kind, value } = attributeValue(attribute)
      switch (kind) {
        case 'FLOAT':
          return point(float32(value))
        case 'INT':
          return String(value)
        case 'STRING':
          return JSON.stringify(value)
        case 'FLOATS':
          return this.list(value, (v) => point(float32(v)))
        case 'INTS':
          return this.list(value, String)
        case 'STRINGS':
          return this.list(value, (text) => JSON.stringify(text))
        case 'TENSOR':
          return this.tensor(value)
        case 'TENSORS':
          return `[${value.map((tensor) => this.tensor(tensor)).join(', ')}]`
        case 'SPARSE_TENSOR':
          return this.sparse(value)
        case 'SPARSE_TENSORS':
          return `[${value.map((sparse) => this.sparse(sparse)).join(', ')}]`
        case 'TYPE_PROTO':
          return type(value)
        case 'TYPE_PROTOS':
          return `[${value.map((of) => type(of)).join(', ')}]`
        case 'GRAPH':
          return `graph ${name(value.name)}`
        case 'GRAPHS':
          return `[${value.map((graph) => `graph ${name(graph.name)}`).join(', ')}]`
      }
    })
  }

  private list<T>(values: readonly T[], show: (value: T) => string): string {
    if (values.length > this.maximumElements) return `[${values.length} elements]`
    return `[${values.map(show).join(', ')}]`
  }

  private tensor(tensor: TensorProto): string {
    const of = `${elementType(tensor.dataType)}[${tensor.dims.join(', ')}]`
    if (tensor.dataLocation === TensorDataLocation.EXTERNAL) {
      const location = tensor.externalData?.find(({ key }) => key === 'location')?.value
      return `${of} in ${JSON.stringify(location ?? '')}`
    }
    if (
      tensor.dims.reduce((size, dim) => size * dim, 1) > this.maximumElements ||
      dtypeOf(tensor.dataType) === undefined
    )
      return of
    return `${of} = ${attempt(() => {
      const array = tensorToArray(tensor)
      const show = (value: number | bigint | string): string => {
        if (typeof value === 'string') return JSON.stringify(value)
        if (typeof value === 'bigint') return String(value)
        if (array.dtype === 'float32') return float32(value)
        if (array.dtype === 'float16') return float16(value)
        if (array.dtype === 'bfloat16') return bfloat16(value)
        return Object.is(value, -0) ? '-0' : String(value)
      }
      const elements = Array.from(array.data as ArrayLike<number | bigint | string>, show)
      return array.shape.length === 0 ? elements[0]! : `[${elements.join(', ')}]`
    })}`
  }

  private sparse({ values, indices, dims }: SparseTensorProto): string {
    const { name: _, ...elements } = values
    return `sparse(${elementType(values.dataType)}[${dims.join(', ')}], ${this.tensor(elements)} at ${this.tensor(indices)})`
  }
}

// A float attribute is told from an integer one by its point.
function point(text: string): string {
  return /^-?\d+$/.test(text) ? `${text}.0` : text
}

// A dump is for looking at broken models too, so a value that cannot be read is shown as the reason.
function attempt(show: () => string): string {
  try {
    return show()
  } catch (error) {
    if (error instanceof OnnxFormatError) return `<${error.message}>`
    throw error
  }
}

/**
 * A model as text for people: its operator sets and metadata, each graph's signature, initializers and nodes, one a line with
 * the types that the model states, subgraphs indented below their node, functions last.
 *
 * ```
 * model IR 10, opset ai.onnx 21
 * graph main(x: float32[B, 3]) -> (y: float32[B, 2])
 *   initializer w: float32[3, 2]
 *   y: float32[B, 2] = MatMul(x, w)  # project
 * ```
 *
 * `_` is an absent optional value, `?` an unknown axis or type, `@a` a function's attribute `a`. Elements are listed flat,
 * in C order. Doc strings, denotations, and the metadata and device placements of nodes and values are left out. It never
 * throws for a decoded model: an unreadable value is shown as `<reason>`.
 */
export function formatModel(model: ModelProto, options: FormatModelOptions = {}): string {
  const printer = new Printer(options.maximumElements ?? 8)
  printer.model(model)
  return printer.toString()
}
