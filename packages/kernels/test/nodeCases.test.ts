/** ONNX's published node tests on WebGPU: the selection for every op that is among graph's fixtures. */
import { readdirSync, readFileSync } from 'node:fs'
import { compile, GraphError, importOnnx, isFloat, type TensorData } from '@nemo/graph'
import { expect, test } from 'vitest'
import { UnsupportedGraphError } from '../src/index.js'
import { testDevice } from './kernelCheck.js'
import { protobufFields, tensorOfProto } from './protobuf.js'

interface NodeCase {
  readonly name: string
  readonly source: string
  readonly skip?: string
  readonly rtol?: number
  readonly atol?: number
  readonly model?: string
  readonly sets?: readonly { readonly inputs: readonly string[]; readonly outputs: readonly string[] }[]
}

const folder = new URL('../../graph/test/fixtures/onnx/node/', import.meta.url)

// What the executor says when it refuses a case; any other refusal is a failure.
const REFUSALS = [
  /(makes|is) (float16|bfloat16|float64|u?int8|u?int16|uint64)\b/,
  /NonZero|Einsum|Resize/,
  /depends on data/,
  /int64 on WebGPU reaches/,
  /over more than two axes/,
  /WebGPU has no tensors of/,
  /(is|are) not there/,
]

// Cases that do not pass on any executor; graph's own test of these cases says why.
const FAILING_EVERYWHERE =
  /^test_(bernoulli.*|training_dropout(_default)?(_mask)?|resize_.*|averagepool_3d_dilations_large.*ceil_mode_is_True|qlinearmatmul_.*_int8_float(16|32)|.*_expanded|reduce_max_empty_set_bool)$/

const bytesOf = (text: string): Uint8Array => new Uint8Array(Buffer.from(text, 'base64'))
const inside = (bytes: Uint8Array, wanted: number): Uint8Array[] =>
  [...protobufFields(bytes)].filter(({ number }) => number === wanted).map(({ value }) => value as Uint8Array)
const nameOf = (info: Uint8Array): string => new TextDecoder().decode(inside(info, 1)[0])

/** What went wrong with a case, or how it was refused, or nothing. */
async function problemOf(nodeCase: NodeCase): Promise<{ problem?: string; refused?: string }> {
  const bytes = bytesOf(nodeCase.model!)
  const [graph] = inside(bytes, 7)
  const [inputs, outputs] = [inside(graph!, 11), inside(graph!, 12)].map((infos) => infos.map(nameOf))
  const sets = nodeCase.sets!.map((set) => ({
    inputs: set.inputs.map((text) => tensorOfProto(bytesOf(text))),
    outputs: set.outputs.map((text) => tensorOfProto(bytesOf(text))),
  }))
  const model = imported(bytes, inputs!, sets[0]?.inputs ?? [])
  if (!model) return { refused: 'not imported' }
  try {
    const program = await compile(model.outputs, { runtime: await testDevice() })
    try {
      for (const set of sets) {
        const read = new Set(program.inputs.map(({ name }) => name))
        const feeds = inputs!.flatMap((name, i) =>
          read.has(name) && set.inputs[i] ? [[name, set.inputs[i]] as const] : [],
        )
        const found = await program.run(Object.fromEntries(feeds), { seed: 1 })
        for (const [i, name] of outputs!.entries()) {
          const expected = set.outputs[i]
          const problem = expected && difference(found[name]!, expected, nodeCase)
          if (problem) return { problem: `${name}: ${problem}` }
        }
      }
    } finally {
      await program.dispose()
    }
  } catch (error) {
    if (error instanceof UnsupportedGraphError && REFUSALS.some((pattern) => pattern.test(error.message)))
      return { refused: error.message }
    return { problem: String(error) }
  }
  return {}
}

// As graph's runner does it: what an op needs as a constant is fixed to its value.
function imported(bytes: Uint8Array, names: readonly string[], values: readonly (TensorData | undefined)[]) {
  const fixed = names.flatMap((name, i) => {
    const value = values[i]
    return value && (i > 0 || (!isFloat(value.dtype) && value.shape.length === 0)) ? [[name, value] as const] : []
  })
  const inputShapes = Object.fromEntries(names.flatMap((name, i) => (values[i] ? [[name, values[i].shape]] : [])))
  for (const options of [{}, { inputShapes }, { inputShapes, fixedInputs: Object.fromEntries(fixed) }]) {
    try {
      return importOnnx(bytes, options)
    } catch (error) {
      if (!(error instanceof GraphError)) throw error
    }
  }
  return undefined
}

function difference(
  found: TensorData,
  expected: TensorData,
  { rtol = 1e-3, atol = 1e-7 }: NodeCase,
): string | undefined {
  if (found.dtype !== expected.dtype || found.shape.join() !== expected.shape.join())
    return `expected ${expected.dtype}[${expected.shape}], found ${found.dtype}[${found.shape}]`
  for (let i = 0; i < expected.data.length; i++) {
    const [x, y] = [Number(found.data[i]), Number(expected.data[i])]
    if (Object.is(x, y) || x === y) continue
    // Devices may take functions to a few units of the last place, which is more than 1e-7 near 0.
    if (!(Math.abs(x - y) <= (isFloat(found.dtype) ? Math.max(atol, 1e-5) + rtol * Math.abs(y) : 0)))
      return `element ${i}: expected ${y}, found ${x}`
  }
  return undefined
}

let passed = 0

for (const file of readdirSync(folder)) {
  test(`ONNX's node cases of ${file.replace('.jsonl', '')} pass on WebGPU, or are refused by name`, async () => {
    const cases = readFileSync(new URL(file, folder), 'utf8').trim().split('\n')
    const problems: string[] = []
    for (const line of cases) {
      const nodeCase = JSON.parse(line) as NodeCase
      if (nodeCase.skip !== undefined || FAILING_EVERYWHERE.test(nodeCase.name)) continue
      const { problem, refused } = await problemOf(nodeCase)
      if (problem) problems.push(`${nodeCase.name} of ${nodeCase.source}: ${problem}`)
      else if (refused === undefined) passed++
    }
    expect(problems).toEqual([])
  })
}

test('most cases pass', () => {
  expect(passed).toBeGreaterThan(500)
})
