import { isStatic } from '../../dim.js'
import { isFloat, type TensorData } from '../../dtype.js'
import { GraphError } from '../../errors.js'
import { constant } from '../../ops/leaves.js'
import { Parameter, type ParameterRole } from '../../parameter.js'
import { inScope } from '../../scope.js'
import type { Tensor } from '../../tensor.js'
import type { AttributeProto, FunctionProto, GraphProto, ModelProto, NodeProto } from '../proto/model.js'
import { type ReadExternalData, tensorToArray } from '../proto/tensor.js'
import { denseTensor } from './denseTensor.js'
import { type ImportPlace, OnnxImportError, OnnxUnsupportedError } from './errors.js'
import { ImportedNode, type ImportedValue, type Subgraph } from './importedNode.js'
import { importRule, NEWEST_OPSET, OLDEST_OPSET } from './importRules.js'

/** What an initializer becomes. */
export type InitializerRole = ParameterRole | 'constant'

/** What the import of graphs needs to know besides the model. */
export interface GraphImporterOptions {
  readonly readExternal?: ReadExternalData | undefined
  readonly role?: ((name: string, value: TensorData, suggested: InitializerRole) => InitializerRole) | undefined
}

// Functions that call functions can unfold without end.
const MOST_NODES = 1_000_000
const DEEPEST_CALL = 64

/** Names that are visible somewhere: those of a graph, then those of the graphs around it. */
class Names {
  readonly #own = new Map<string, ImportedValue>()
  readonly #outer: Names | undefined

  constructor(outer?: Names) {
    this.#outer = outer
  }

  get(name: string): ImportedValue | undefined {
    return this.#own.get(name) ?? this.#outer?.get(name)
  }

  has(name: string): boolean {
    return this.#own.has(name)
  }

  set(name: string, value: ImportedValue): void {
    this.#own.set(name, value)
  }
}

/** What holds for all nodes of a graph or function. */
interface Surroundings {
  readonly names: Names
  readonly opsets: ReadonlyMap<string, number>
  /** Attributes of the call, inside a function. */
  readonly attributes: ReadonlyMap<string, AttributeProto> | undefined
  readonly path: string
  readonly depth: number
}

// An optional input of a function that the call leaves out.
const absent: ImportedValue = {
  tensor() {
    throw new TypeError('unreachable: absent inputs are null to nodes')
  },
  data: undefined,
}

const fixed = (tensor: Tensor): ImportedValue => ({ tensor: () => tensor, data: tensor.constant })

/** Domain names in one spelling: the standard ops' is empty. */
export const normalDomain = (domain: string | undefined): string =>
  domain === undefined || domain === 'ai.onnx' ? '' : domain

/** Builds the graphs of one model out of our ops. */
export class GraphImporter {
  /** Initializers that became parameters, in the order in which nodes read them. */
  readonly parameters: Parameter[] = []
  readonly #functions = new Map<string, FunctionProto>()
  readonly #options: GraphImporterOptions
  readonly #parameterNames = new Set<string>()
  #nodes = 0

  constructor(model: ModelProto, options: GraphImporterOptions) {
    this.#options = options
    for (const proto of model.functions ?? []) {
      const key = functionKey(proto)
      if (this.#functions.has(key))
        throw new OnnxImportError(`the model defines it twice.`, { path: `function ${key}` })
      this.#functions.set(key, proto)
    }
  }

  /** Builds the model's main graph on tensors for its inputs. */
  main(graph: GraphProto, opsets: ReadonlyMap<string, number>, inputs: ReadonlyMap<string, Tensor>): Tensor[] {
    const surroundings: Surroundings = { names: new Names(), opsets, attributes: undefined, path: 'graph', depth: 0 }
    for (const [name, tensor] of inputs) surroundings.names.set(name, fixed(tensor))
    return this.#build(graph, surroundings)
  }

  /** Names and shapes for values that need none from outside. */
  #build(graph: GraphProto, around: Surroundings): Tensor[] {
    this.#initializers(graph, around)
    for (const [i, node] of graph.node.entries())
      this.#node(node, { ...around, path: `${around.path}.node[${i}]` }, graph.node)
    return graph.output.map(({ name }, i) => {
      const value = around.names.get(name)
      if (!value) {
        throw new OnnxImportError(`output ${JSON.stringify(name)} is made by no node, input or initializer.`, {
          path: `${around.path}.output[${i}]`,
        })
      }
      return value.tensor()
    })
  }

  #initializers(graph: GraphProto, around: Surroundings): void {
    const define = (name: string, path: string, read: () => TensorData) => {
      if (name === '') throw new OnnxImportError('an initializer needs a name.', { path })
      if (around.names.has(name))
        throw new OnnxImportError(`${JSON.stringify(name)} is defined twice in this graph.`, { path })
      around.names.set(name, this.#initializer(name, path, read))
    }
    graph.initializer.forEach((proto, i) => {
      const path = `${around.path}.initializer[${i}] ${JSON.stringify(proto.name ?? '')}`
      define(proto.name ?? '', path, () => numeric(tensorToArray(proto, this.#reading(path)), path))
    })
    graph.sparseInitializer?.forEach((proto, i) => {
      const name = proto.values.name ?? ''
      const path = `${around.path}.sparseInitializer[${i}] ${JSON.stringify(name)}`
      define(name, path, () => numeric(denseTensor(proto, this.#reading(path)), path))
    })
  }

  #reading(path: string): { path: string; readExternal?: ReadExternalData } {
    return { path, ...(this.#options.readExternal && { readExternal: this.#options.readExternal }) }
  }

  // Elements are checked now; what they become is decided by the first reader.
  #initializer(name: string, path: string, read: () => TensorData): ImportedValue {
    const data = read()
    let tensor: Tensor | undefined
    const make = (use: 'parameter' | 'buffer'): Tensor => {
      const suggested = !isFloat(data.dtype) || data.shape.length === 0 ? 'constant' : use
      const role = this.#options.role?.(name, data, suggested) ?? suggested
      if (role === 'constant') return constant(data, data.dtype)
      if (!isFloat(data.dtype) && role === 'parameter')
        throw new OnnxImportError(`${data.dtype} tensors cannot be trained; make it a constant or a buffer.`, { path })
      const parameter = new Parameter(this.#parameterName(name), data, role)
      this.parameters.push(parameter)
      return parameter
    }
    return { data, tensor: (use = 'parameter') => (tensor ??= make(use)) }
  }

  #parameterName(name: string): string {
    let unique = name
    for (let i = 2; this.#parameterNames.has(unique); i++) unique = `${name}#${i}`
    this.#parameterNames.add(unique)
    return unique
  }

  #node(proto: NodeProto, around: Surroundings, siblings: readonly NodeProto[]): void {
    const domain = normalDomain(proto.domain)
    const version = around.opsets.get(domain)
    const place: ImportPlace = {
      path: around.path,
      opType: proto.opType,
      domain: domain || 'ai.onnx',
      ...(proto.name && { node: proto.name }),
      ...(version !== undefined && { version }),
    }
    if (++this.#nodes > MOST_NODES)
      throw new OnnxImportError(`the model unfolds into more than ${MOST_NODES} nodes.`, place)
    const inputs = proto.input.map((name) => (name === '' ? null : this.#read(name, around, place, siblings)))
    const outputs = guarded(place, () =>
      inScope(scopeOf(proto), () => this.#outputs(proto, domain, version, inputs, around, place)),
    )
    proto.output.forEach((name, i) => {
      if (name === '') return
      if (around.names.has(name))
        throw new OnnxImportError(`its output ${JSON.stringify(name)} is defined already.`, place)
      const value = outputs[i]
      if (!value) throw new OnnxUnsupportedError(`its output ${i} (${JSON.stringify(name)}) is not supported.`, place)
      around.names.set(name, value)
    })
  }

  #read(name: string, around: Surroundings, place: ImportPlace, siblings: readonly NodeProto[]): ImportedValue | null {
    const value = around.names.get(name)
    if (value) return value === absent ? null : value
    const later = siblings.some((node) => node.output.includes(name))
    throw new OnnxImportError(
      `it reads ${JSON.stringify(name)}, which ${later ? 'a later node makes; nodes must be sorted' : 'nothing before it defines'}.`,
      place,
    )
  }

  #outputs(
    proto: NodeProto,
    domain: string,
    version: number | undefined,
    inputs: readonly (ImportedValue | null)[],
    around: Surroundings,
    place: ImportPlace,
  ): readonly (ImportedValue | null)[] {
    const attributes = this.#attributes(proto, around, place)
    const body = this.#functions.get(functionKey({ name: proto.opType, domain, overload: proto.overload ?? '' }))
    if (body) return this.#call(body, proto, attributes, inputs, around, place)
    if (version === undefined) {
      const known = [...around.opsets].map(([name, v]) => `${name || 'ai.onnx'} ${v}`).join(', ') || 'none'
      throw new OnnxImportError(
        `the model imports no opset of domain ${domain || 'ai.onnx'}; it imports ${known}.`,
        place,
      )
    }
    const rule = importRule(domain, proto.opType, version)
    if (!rule) throw unknownOp(domain, place)
    const node = new ImportedNode({
      proto,
      domain,
      version,
      place,
      inputs,
      attributes,
      subgraph: (graph) => this.#subgraph(graph, around, proto),
    })
    const [fewest, most] = rule.inputs
    if (inputs.length < fewest || inputs.length > most)
      return node.fail(`expected ${fewest === most ? fewest : `${fewest} to ${most}`} inputs, found ${inputs.length}.`)
    const made = rule.build(node)
    node.checkAttributes()
    const tensors = Array.isArray(made) ? (made as readonly (Tensor | null)[]) : [made as Tensor]
    return tensors.map((tensor) => tensor && fixed(foldSizes(tensor)))
  }

  #attributes(proto: NodeProto, around: Surroundings, place: ImportPlace): Map<string, AttributeProto> {
    const attributes = new Map<string, AttributeProto>()
    for (const attribute of proto.attribute) {
      if (attributes.has(attribute.name))
        throw new OnnxImportError(`its attribute ${attribute.name} is given twice.`, place)
      const reference = attribute.refAttrName
      if (!reference) attributes.set(attribute.name, attribute)
      else if (!around.attributes)
        throw new OnnxImportError(`attribute ${attribute.name} refers to ${reference}, but this is no function.`, place)
      else {
        const given = around.attributes.get(reference)
        // An attribute that the caller left out is left out here too.
        if (given) attributes.set(attribute.name, { ...given, name: attribute.name })
      }
    }
    return attributes
  }

  #subgraph(graph: GraphProto, around: Surroundings, node: NodeProto): Subgraph {
    return {
      proto: graph,
      build: (inputs) => {
        const names = new Names(around.names)
        graph.input.forEach(({ name }, i) => {
          const tensor = inputs[i]
          if (tensor) names.set(name, fixed(tensor))
        })
        const path = `${around.path}(${node.opType}).${graph.name || 'body'}`
        return this.#build(graph, { ...around, names, path })
      },
    }
  }

  #call(
    body: FunctionProto,
    node: NodeProto,
    given: ReadonlyMap<string, AttributeProto>,
    inputs: readonly (ImportedValue | null)[],
    around: Surroundings,
    place: ImportPlace,
  ): readonly (ImportedValue | null)[] {
    if (around.depth >= DEEPEST_CALL) throw new OnnxImportError('functions call each other without end.', place)
    if (inputs.length > body.input.length)
      throw new OnnxImportError(`the function takes ${body.input.length} inputs, found ${inputs.length}.`, place)
    const attributes = new Map(given)
    for (const fallback of body.attributeProto ?? []) {
      if (!attributes.has(fallback.name)) attributes.set(fallback.name, fallback)
    }
    const names = new Names()
    for (const [i, name] of body.input.entries()) names.set(name, inputs[i] ?? absent)
    const path = `function ${functionKey(body)}`
    const inner: Surroundings = {
      names,
      opsets: opsetsOf(body.opsetImport, path),
      attributes,
      path,
      depth: around.depth + 1,
    }
    for (const [i, proto] of body.node.entries()) this.#node(proto, { ...inner, path: `${path}.node[${i}]` }, body.node)
    return node.output.map((name, i) => {
      const formal = body.output[i]
      if (name === '' || formal === undefined) return null
      const value = names.get(formal)
      if (!value || value === absent)
        throw new OnnxImportError(
          `the function's output ${JSON.stringify(formal)} is made by none of its nodes.`,
          place,
        )
      return value
    })
  }
}

/** Versions by domain. */
export function opsetsOf(
  imports: readonly { readonly domain?: string; readonly version: number }[],
  path: string,
): ReadonlyMap<string, number> {
  const opsets = new Map<string, number>()
  for (const { domain, version } of imports) opsets.set(normalDomain(domain), version)
  const standard = opsets.get('')
  if (standard !== undefined && standard < OLDEST_OPSET) {
    throw new OnnxUnsupportedError(
      `opset ${standard} of ai.onnx is too old; opsets ${OLDEST_OPSET} to ${NEWEST_OPSET} are supported. Convert the model with onnx.version_converter.`,
      { path },
    )
  }
  if (standard !== undefined && standard > NEWEST_OPSET) {
    throw new OnnxUnsupportedError(
      `opset ${standard} of ai.onnx is newer than this importer; opsets ${OLDEST_OPSET} to ${NEWEST_OPSET} are supported. Export the model with an older opset.`,
      { path },
    )
  }
  return opsets
}

function functionKey({ domain, name, overload }: { domain?: string; name: string; overload?: string }): string {
  return `${normalDomain(domain) || 'ai.onnx'}.${name}${overload ? `:${overload}` : ''}`
}

function unknownOp(domain: string, place: ImportPlace): OnnxUnsupportedError {
  return new OnnxUnsupportedError(
    domain === ''
      ? 'this op is not supported, or not part of this opset.'
      : `domain ${domain} is not supported and the model does not define the op as a function.`,
    place,
  )
}

function numeric(array: ReturnType<typeof tensorToArray>, path: string): TensorData {
  if (array.dtype === 'string') throw new OnnxUnsupportedError('tensors of strings are not supported.', { path })
  return array
}

// Errors of our ops get the node's name; their own text says what does not fit.
function guarded<T>(place: ImportPlace, build: () => T): T {
  try {
    return build()
  } catch (error) {
    if (error instanceof OnnxImportError) throw error
    if (error instanceof GraphError || error instanceof RangeError) {
      const message = error instanceof GraphError ? error.message.replace(` [${error.code}]`, '') : error.message
      throw new OnnxImportError(message, place, { cause: error })
    }
    throw error
  }
}

// "/encoder/layers.0/MatMul_1" was made in encoder/layers.0.
function scopeOf({ name }: NodeProto): string {
  const parts = (name ?? '').split('/').filter((part) => part !== '')
  return parts.slice(0, -1).join('/')
}

// Sizes that are numbers become constants, so that everything after them is known too.
function foldSizes(tensor: Tensor): Tensor {
  const { known, dtype, shape, constant: value } = tensor
  if (value || dtype !== 'int64' || !known || !isStatic(known) || !isStatic(shape)) return tensor
  return constant({ dtype, shape, data: BigInt64Array.from(known, BigInt) }, dtype)
}
