import { compile } from '../../src/compile.js'
import { isFloat, type TensorData } from '../../src/dtype.js'
import { GraphError } from '../../src/errors.js'
import { numberOfBfloat16, numberOfFloat16 } from '../../src/halfFloat.js'
import { OnnxImportError } from '../../src/onnx/import/errors.js'
import { type ImportedModel, importOnnx } from '../../src/onnx/import/importOnnx.js'
import { decodeModel, decodeTensor } from '../../src/onnx/proto/decode.js'
import { tensorToArray } from '../../src/onnx/proto/tensor.js'
import type { Runtime } from '../../src/runtime/runtime.js'

/** One of ONNX's published node tests, as tools/reference/onnxNodeCases.py writes it. */
export interface NodeCase {
  readonly name: string
  /** Version of onnx that published it. */
  readonly source: string
  readonly opset: number
  readonly ops: readonly string[]
  /** Why the case cannot be run at all: its values are no tensors. */
  readonly skip?: string
  readonly rtol?: number
  readonly atol?: number
  /** The .onnx file in base64. */
  readonly model?: string
  /** TensorProtos in base64. */
  readonly sets?: readonly { readonly inputs: readonly string[]; readonly outputs: readonly string[] }[]
}

/** How a case went: `stage` says how far, `message` what was wrong. */
export interface NodeCaseResult {
  readonly stage: 'passed' | 'skipped' | 'import' | 'compile' | 'run' | 'compare'
  /** Stable code of the error, if it is one of ours. */
  readonly code?: string
  readonly message?: string
}

/** A case's model as our graph, with its data. */
export interface ImportedCase {
  readonly model: ImportedModel
  /** Names of the file's inputs and outputs, in its order. */
  readonly inputs: readonly string[]
  readonly outputs: readonly string[]
  readonly sets: readonly { readonly inputs: readonly TensorData[]; readonly outputs: readonly TensorData[] }[]
}

/**
 * Imports a case's model. Inputs without a declared rank get the shape of their data; where an op needs an input's value
 * as a constant (cases leave even axes to the caller), inputs that are not data are fixed.
 */
export function importNodeCase(nodeCase: NodeCase): ImportedCase {
  const bytes = Buffer.from(nodeCase.model!, 'base64')
  const { graph } = decodeModel(bytes)
  const sets = nodeCase.sets!.map((set) => ({
    inputs: set.inputs.map(readTensor),
    outputs: set.outputs.map(readTensor),
  }))
  const values = sets[0]?.inputs ?? []
  const named = <T>(pick: (value: TensorData, i: number) => T | undefined): Record<string, T> => {
    const entries = graph.input.flatMap(({ name }, i) => {
      const picked = values[i] && pick(values[i], i)
      return picked === undefined ? [] : [[name, picked] as const]
    })
    return Object.fromEntries(entries)
  }
  const inputShapes = named(({ shape }, i) => (graph.input[i]!.type?.tensorType?.shape ? undefined : shape))
  const result = (model: ImportedModel): ImportedCase => ({
    model,
    inputs: graph.input.map(({ name }) => name),
    outputs: graph.output.map(({ name }) => name),
    sets,
  })
  try {
    return result(importOnnx(bytes, { inputShapes }))
  } catch (error) {
    const fixedInputs = named((value, i) =>
      i > 0 || (!isFloat(value.dtype) && value.shape.length === 0) ? value : undefined,
    )
    if (!(error instanceof OnnxImportError) || Object.keys(fixedInputs).length === 0) throw error
    return result(importOnnx(bytes, { inputShapes, fixedInputs }))
  }
}

/** Imports a case's model, runs it and compares every output. */
export async function runNodeCase(nodeCase: NodeCase, runtime: Runtime): Promise<NodeCaseResult> {
  if (nodeCase.skip) return { stage: 'skipped', message: nodeCase.skip }
  let stage: NodeCaseResult['stage'] = 'import'
  try {
    const { model, sets, ...borders } = importNodeCase(nodeCase)
    stage = 'compile'
    const program = await compile(model.outputs, { runtime })
    try {
      for (const { inputs, outputs } of sets) {
        stage = 'run'
        const read = new Set(program.inputs.map(({ name }) => name))
        const feeds = borders.inputs.flatMap((name, i) =>
          read.has(name) && inputs[i] ? [[name, inputs[i]] as const] : [],
        )
        const found = await program.run(Object.fromEntries(feeds), { seed: 1 })
        stage = 'compare'
        for (const [i, name] of borders.outputs.entries()) {
          const problem =
            outputs[i] && difference(found[name]!, outputs[i], nodeCase.rtol ?? 1e-3, nodeCase.atol ?? 1e-7)
          if (problem) return { stage, message: `${name}: ${problem}` }
        }
      }
    } finally {
      await program.dispose()
    }
    return { stage: 'passed' }
  } catch (error) {
    if (!(error instanceof GraphError)) throw error
    return { stage, code: error.code, message: error.message }
  }
}

function readTensor(text: string): TensorData {
  const array = tensorToArray(decodeTensor(Buffer.from(text, 'base64')))
  if (array.dtype === 'string') return { dtype: 'uint8', shape: array.shape, data: new Uint8Array(array.data.length) }
  return array
}

/** What is different about two tensors, or undefined if |found - expected| <= atol + rtol |expected| everywhere. */
export function difference(found: TensorData, expected: TensorData, rtol: number, atol: number): string | undefined {
  if (found.dtype !== expected.dtype) return `expected ${expected.dtype}, found ${found.dtype}`
  if (found.shape.length !== expected.shape.length || found.shape.some((dim, i) => dim !== expected.shape[i]))
    return `expected shape [${expected.shape.join(', ')}], found [${found.shape.join(', ')}]`
  const [a, b] = [numbersOf(found), numbersOf(expected)]
  for (let i = 0; i < b.length; i++) {
    const [x, y] = [a[i]!, b[i]!]
    if (Object.is(x, y) || x === y) continue
    if (!(Math.abs(x - y) <= (isFloat(found.dtype) ? atol + rtol * Math.abs(y) : 0)))
      return `element ${i}: expected ${y}, found ${x}`
  }
  return undefined
}

/** Elements as numbers; 16-bit floats are decoded. */
export function numbersOf({ dtype, data }: TensorData): number[] {
  if (dtype === 'float16') return Array.from(data as Uint16Array, numberOfFloat16)
  if (dtype === 'bfloat16') return Array.from(data as Uint16Array, numberOfBfloat16)
  return Array.from(data as ArrayLike<number | bigint>, Number)
}
