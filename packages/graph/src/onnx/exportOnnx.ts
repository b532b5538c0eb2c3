import { collectLeaves } from '../compile.js'
import type { TensorData } from '../dtype.js'
import { CompileError } from '../errors.js'
import { decompose } from '../rewrite/decompose.js'
import { simplify } from '../rewrite/simplify.js'
import type { Tensor } from '../tensor.js'
import { emitModel } from './emit.js'
import { encodeModel } from './proto/encode.js'

/** Options of `exportOnnx`. */
export interface ExportOnnxOptions {
  /** Order and names of inputs; default: as they were made. */
  readonly inputs?: readonly string[]
  /** Key-value pairs written into the file. */
  readonly metadata?: Readonly<Record<string, string>>
  readonly graphName?: string
  readonly docString?: string
  readonly producerVersion?: string
}

/**
 * Writes a graph as an ONNX file with its parameters inside: standard ops only, dynamic axes by symbol, names of
 * inputs and outputs as given.
 *
 * @param outputs - Tensors to compute, by name.
 * @throws CompileError if `inputs` names other inputs than the graph reads.
 */
export async function exportOnnx(
  outputs: Readonly<Record<string, Tensor>>,
  options: ExportOnnxOptions = {},
): Promise<Uint8Array> {
  const names = Object.keys(outputs)
  const simplified = simplify(names.map((name) => outputs[name]!))
  const lowered = simplify(decompose(simplified, () => undefined, new Set()))
  const { inputs, parameters } = collectLeaves(lowered)
  const byName = new Map(inputs.map((border) => [border.name, border]))
  const order = options.inputs ?? inputs.map(({ name }) => name)
  if (order.length !== inputs.length || order.some((name) => !byName.has(name))) {
    throw new CompileError(
      `exportOnnx: expected the inputs ${[...byName.keys()].join(', ')}, found ${order.join(', ')}.`,
    )
  }
  const initializers = new Map<Tensor, { name: string; value: TensorData }>()
  for (const parameter of parameters)
    initializers.set(parameter, { name: parameter.name, value: await parameter.value() })
  return encodeModel(
    emitModel({
      inputs: order.map((name) => byName.get(name)!),
      outputs: names.map((name, i) => ({ name, tensor: lowered[i]! })),
      initializers,
      metadata: options.metadata ?? {},
      graphName: options.graphName ?? 'graph',
      docString: options.docString ?? '',
      producerVersion: options.producerVersion ?? '',
    }),
  )
}
