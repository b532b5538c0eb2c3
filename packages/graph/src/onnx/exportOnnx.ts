import { collectLeaves } from '../compile.js'
import type { TensorData } from '../dtype.js'
import { CompileError } from '../errors.js'
import { RANDOM_KEY } from '../ops/random.js'
import type { Parameter } from '../parameter.js'
import { decompose } from '../rewrite/decompose.js'
import { simplify } from '../rewrite/simplify.js'
import type { Tensor } from '../tensor.js'
import { emitModel, type NamedTensor } from './emit.js'
import { portableBatchNorm } from './portableBatchNorm.js'
import { encodeModel } from './proto/encode.js'

/** Options of `exportOnnx`. */
export interface ExportOnnxOptions {
  /** Order of the inputs, by name; default: as they were made. Parameters that stay inputs come after them. */
  readonly inputs?: readonly string[]
  /** Parameters that are fed by the caller instead of being written into the file. Default none. */
  readonly parametersAsInputs?: Iterable<Parameter>
  /** Also writes the types and shapes of all intermediate values, for viewers. Default false. */
  readonly valueInfo?: boolean
  /** Key-value pairs written into the file (`metadata_props`). */
  readonly metadata?: Readonly<Record<string, string>>
  readonly graphName?: string
  readonly docString?: string
  readonly producerVersion?: string
}

/**
 * Writes a graph as an ONNX file (opset 20, IR version 9) of standard ops alone, with its parameters inside.
 *
 * Inputs and outputs have the given names; axes that are symbols are dynamic axes of that name, and an axis of an
 * output whose size is computed from symbols is named after the output (`logprobs_dim_1`). Equal graphs give equal
 * bytes. Graphs with random ops read their seed and step from one more input, `random_key`; batch normalisation in
 * training mode is written as means and products.
 *
 * @param outputs - Tensors to compute, by name; also gradients and updated parameters.
 * @throws CompileError if `inputs` does not name exactly the inputs that the graph reads, if names clash, or if an op of
 * a caller's own has no definition in ONNX ops.
 *
 * @example
 * await writeFile('model.onnx', await exportOnnx({ logprobs }, { metadata: { vocab_size: '29' } }))
 */
export async function exportOnnx(
  outputs: Readonly<Record<string, Tensor>>,
  options: ExportOnnxOptions = {},
): Promise<Uint8Array> {
  const names = Object.keys(outputs)
  if (names.length === 0) throw new CompileError('exportOnnx: expected at least one output, found none.')
  const simplified = simplify(names.map((name) => outputs[name]!))
  const lowered = simplify(decompose(simplified, portableBatchNorm, new Set()))
  const { inputs, parameters } = collectLeaves(lowered)
  const asInputs = new Set(options.parametersAsInputs)
  for (const parameter of asInputs) {
    if (parameters.includes(parameter)) continue
    throw new CompileError(`exportOnnx: parametersAsInputs names ${parameter.name}, which the graph does not read.`)
  }
  const initializers = new Map<Tensor, { name: string; value: TensorData }>()
  const fed: NamedTensor[] = []
  for (const parameter of parameters) {
    const name = parameter.name || 'parameter'
    if (asInputs.has(parameter)) fed.push({ name, tensor: parameter })
    else initializers.set(parameter, { name, value: await parameter.value() })
  }
  return encodeModel(
    emitModel({
      inputs: [...ordered(inputs, options.inputs), ...fed],
      outputs: names.map((name, i) => ({ name, tensor: lowered[i]! })),
      initializers,
      valueInfo: options.valueInfo ?? false,
      metadata: options.metadata ?? {},
      graphName: options.graphName ?? 'graph',
      docString: options.docString ?? '',
      producerVersion: options.producerVersion ?? '',
    }),
  )
}

function ordered(inputs: readonly NamedTensor[], names: readonly string[] | undefined): readonly NamedTensor[] {
  // Whatever was built first made the random key; in files it comes last.
  if (!names) return [...inputs].sort((a, b) => Number(a.name === RANDOM_KEY) - Number(b.name === RANDOM_KEY))
  const byName = new Map(inputs.map((border) => [border.name, border]))
  if (
    names.length !== inputs.length ||
    new Set(names).size !== names.length ||
    names.some((name) => !byName.has(name))
  ) {
    const found = [...byName.keys()].join(', ') || 'none'
    throw new CompileError(`exportOnnx: expected the inputs ${found}, found ${names.join(', ') || 'none'}.`)
  }
  return names.map((name) => byName.get(name)!)
}
