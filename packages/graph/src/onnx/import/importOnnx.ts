import type { Dim, Shape } from '../../dim.js'
import type { TensorData } from '../../dtype.js'
import { constant, input } from '../../ops/leaves.js'
import type { Parameter } from '../../parameter.js'
import type { Tensor } from '../../tensor.js'
import { decodeModel } from '../proto/decode.js'
import type { GraphProto, ValueInfoProto } from '../proto/model.js'
import { dataTypeName, dtypeOf, type ReadExternalData } from '../proto/tensor.js'
import { DimNames } from './dimNames.js'
import { OnnxImportError, OnnxUnsupportedError } from './errors.js'
import { GraphImporter, type GraphImporterOptions, opsetsOf } from './graphImporter.js'

/** Options of `importOnnx`. */
export interface ImportOnnxOptions {
  /**
   * Reads weights that are stored beside the model; without it such models are refused. The location is relative and
   * never leaves the model's folder.
   */
  readonly readExternal?: ReadExternalData
  /** Sizes, or other names, for the symbols of the model's inputs: `{ batch: 1, seq: 'T' }`. */
  readonly dims?: Readonly<Record<string, Dim>>
  /** Shapes of inputs, in the place of those in the file. Needed for inputs that the file gives no rank. */
  readonly inputShapes?: Readonly<Record<string, Shape>>
  /**
   * Values for inputs that are the same in every run; they are no inputs any more. Ops need axes, steps and the like as
   * constants, which some files leave to the caller.
   */
  readonly fixedInputs?: Readonly<Record<string, TensorData>>
  /**
   * What an initializer becomes. `suggested` is `buffer` for running statistics of batch normalisation, `constant` for
   * integers and scalars, and `parameter` for all other floats; buffers and constants are not trained.
   */
  readonly role?: GraphImporterOptions['role']
}

/** A model as a graph of ours. */
export interface ImportedModel {
  /** Tensors to feed, by name, in the file's order. */
  readonly inputs: Readonly<Record<string, Tensor>>
  /** Results by name, in the file's order: pass them to `compile`, `grad` or `exportOnnx`. */
  readonly outputs: Readonly<Record<string, Tensor>>
  /** Weights and buffers that the graph reads, by their names in the file. */
  readonly parameters: readonly Parameter[]
  /** The file's `metadata_props`. */
  readonly metadata: Readonly<Record<string, string>>
  /** Version of the standard ops that the file was written in. */
  readonly opset: number
  readonly irVersion: number
  readonly graphName: string
  readonly docString: string
  /** Program that wrote the file, with its version. */
  readonly producer: string
}

/**
 * Reads an ONNX file as a graph that can be evaluated, trained, changed and exported again.
 *
 * Files of opset 7 and later are read; forms of older opsets are said in today's ops, so that the graph has the values
 * that the file's opset defines. Initializers become parameters (see `role`); initializers that are inputs as well are
 * taken as initializers. Functions are inlined, sparse initializers written out, and an `If` is replaced by the branch
 * that its constant condition chooses. `Scan`, `LSTM`, `GRU`, `RNN` and `Loop`s with a trip count become differentiable
 * scans. Random ops draw from this package's reproducible generator.
 *
 * @param bytes - The file; its weights are views of this memory, which must stay unchanged.
 * @throws OnnxFormatError for damaged bytes, OnnxUnsupportedError for ops, types and forms that have no counterpart
 * here, OnnxImportError for everything else that is wrong with a model; both name the node, its op, domain and version.
 *
 * @example
 * const { inputs, outputs, parameters } = importOnnx(readFileSync('model.onnx'))
 * const program = await compile(outputs, { runtime: ort() })
 */
export function importOnnx(bytes: Uint8Array, options: ImportOnnxOptions = {}): ImportedModel {
  const model = decodeModel(bytes)
  const opsets = opsetsOf(model.opsetImport, 'ModelProto.opsetImport')
  const { graph } = model
  const declared = inputsOf(graph, options)
  const importer = new GraphImporter(model, options)
  const tensors = importer.main(graph, opsets, declared)
  const inputs = [...declared].filter(([name]) => !isFixed(name, options))
  const outputs = new Map<string, Tensor>()
  graph.output.forEach(({ name }, i) => {
    if (outputs.has(name))
      throw new OnnxImportError(`output ${JSON.stringify(name)} is listed twice.`, { path: 'graph' })
    outputs.set(name, tensors[i]!)
  })
  return {
    inputs: Object.fromEntries(inputs),
    outputs: Object.fromEntries(outputs),
    parameters: importer.parameters,
    metadata: Object.fromEntries((model.metadataProps ?? []).map(({ key, value }) => [key, value])),
    opset: opsets.get('') ?? 0,
    irVersion: model.irVersion,
    graphName: graph.name ?? '',
    docString: model.docString ?? '',
    producer: [model.producerName, model.producerVersion].filter(Boolean).join(' '),
  }
}

function inputsOf(graph: GraphProto, options: ImportOnnxOptions): Map<string, Tensor> {
  const initialized = new Set([
    ...graph.initializer.map((proto) => proto.name),
    ...(graph.sparseInitializer ?? []).map((proto) => proto.values.name),
  ])
  const fed = graph.input.filter(({ name }) => !initialized.has(name))
  for (const option of ['inputShapes', 'fixedInputs'] as const) {
    for (const name of Object.keys(options[option] ?? {})) {
      if (fed.some((value) => value.name === name)) continue
      const names = fed.map((value) => value.name).join(', ') || 'none'
      throw new OnnxImportError(`${option} names ${JSON.stringify(name)}; the model's inputs are ${names}.`, {
        path: 'graph.input',
      })
    }
  }
  const names = new DimNames(options.dims)
  names.reserve([...graph.input, ...graph.output].map(({ type }) => type?.tensorType?.shape))
  const inputs = new Map<string, Tensor>()
  for (const value of fed) {
    if (value.name === '') throw new OnnxImportError('an input needs a name.', { path: 'graph.input' })
    if (inputs.has(value.name))
      throw new OnnxImportError(`input ${JSON.stringify(value.name)} is listed twice.`, { path: 'graph.input' })
    const tensor = inputOf(value, names, options.inputShapes?.[value.name])
    inputs.set(value.name, isFixed(value.name, options) ? fixed(tensor, value.name, options) : tensor)
  }
  return inputs
}

const isFixed = (name: string, options: ImportOnnxOptions): boolean => Object.hasOwn(options.fixedInputs ?? {}, name)

function fixed(declared: Tensor, name: string, options: ImportOnnxOptions): Tensor {
  const value = options.fixedInputs![name]!
  const fits =
    value.dtype === declared.dtype &&
    value.shape.length === declared.rank &&
    value.shape.every((size, i) => typeof declared.shape[i] === 'string' || declared.shape[i] === size)
  if (!fits) {
    throw new OnnxImportError(`fixedInputs: expected ${declared}, found ${value.dtype}[${value.shape.join(', ')}].`, {
      path: `graph.input ${JSON.stringify(name)}`,
    })
  }
  return constant(value, value.dtype)
}

function inputOf({ name, type }: ValueInfoProto, names: DimNames, given: Shape | undefined): Tensor {
  const path = `graph.input ${JSON.stringify(name)}`
  const tensor = type?.tensorType
  if (!tensor) {
    const kind = Object.keys(type ?? {}).find((key) => key.endsWith('Type')) ?? 'no type'
    throw new OnnxUnsupportedError(`only tensors can be fed; found ${kind.replace(/Type$/, '')}.`, { path })
  }
  const dtype = dtypeOf(tensor.elemType)
  if (dtype === undefined || dtype === 'string')
    throw new OnnxUnsupportedError(`elements of ${dataTypeName(tensor.elemType)} are not supported.`, { path })
  if (!given && !tensor.shape)
    throw new OnnxImportError(
      `its rank is unknown. Pass its shape: { inputShapes: { ${JSON.stringify(name)}: [...] } }.`,
      { path },
    )
  return input(name, dtype, given ?? names.shape(tensor.shape!, name))
}
