import { GraphError } from '../../errors.js'

/** Where in a model something could not be imported. */
export interface ImportPlace {
  /** Fields from the root, as in `graph.node[3]` or `function "local.Block".node[0]`. */
  readonly path: string
  /** Name of the node, if it has one. */
  readonly node?: string
  readonly opType?: string
  /** `ai.onnx` for the standard ops. */
  readonly domain?: string
  /** Opset version of that domain in the model. */
  readonly version?: number
}

function describe({ path, node, opType, domain, version }: ImportPlace): string {
  if (opType === undefined) return path
  const name = node ? ` "${node}"` : ''
  return `${path}: node${name} (${opType} of ${domain || 'ai.onnx'} ${version ?? 'without a version'})`
}

/**
 * A well-formed ONNX model that cannot be turned into a graph: names that are undefined or doubled, inputs that do not
 * fit an op, attributes that are wrong. The message names the node, its op and its place; the fields hold them apart.
 */
export class OnnxImportError extends GraphError {
  readonly place: ImportPlace

  constructor(message: string, place: ImportPlace, options?: ErrorOptions & { readonly code?: string }) {
    super(options?.code ?? 'NEMO_ONNX_IMPORT', `${describe(place)}: ${message}`, options)
    this.place = place
  }
}

/** An ONNX model that is correct as far as we can tell, but uses an op, a domain, a version or a form that is not supported. */
export class OnnxUnsupportedError extends OnnxImportError {
  constructor(message: string, place: ImportPlace, options?: ErrorOptions) {
    super(message, place, { ...options, code: 'NEMO_ONNX_UNSUPPORTED' })
  }
}
