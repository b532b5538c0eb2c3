// Models and numbers: tools/reference/torchOnnxModels.py.
import { readFileSync } from 'node:fs'
import { afterAll, describe, expect, test } from 'vitest'
import { compile } from '../../src/compile.js'
import type { TensorData } from '../../src/dtype.js'
import { grad } from '../../src/grad.js'
import { type ImportedModel, importOnnx } from '../../src/onnx/import/importOnnx.js'
import { mul, sub } from '../../src/ops/arithmetic.js'
import { constant } from '../../src/ops/leaves.js'
import { reduceMean } from '../../src/ops/reduction.js'
import { ort } from '../../src/runtime/ort/ort.js'
import type { Tensor } from '../../src/tensor.js'
import { decodeArray, type EncodedArray } from './encodedArray.js'

interface Reference {
  readonly inputs: Readonly<Record<string, EncodedArray>>
  readonly outputs: Readonly<Record<string, EncodedArray>>
  readonly otherInputs: Readonly<Record<string, EncodedArray>>
  readonly otherOutputs: Readonly<Record<string, EncodedArray>>
  readonly target: EncodedArray
  readonly gradients: Readonly<Record<string, EncodedArray>>
  readonly rate: number
  readonly losses: readonly number[]
}

const folder = new URL('../fixtures/onnx/torch/', import.meta.url)
const runtime = ort({ threads: 1 })
afterAll(() => runtime.dispose())

function load(
  name: string,
  exporter: string,
): { model: ImportedModel; reference: Reference; feeds: Record<string, TensorData> } {
  const reference = JSON.parse(readFileSync(new URL(`${name}.json`, folder), 'utf8')) as Reference
  const model = importOnnx(readFileSync(new URL(`${name}${exporter}.onnx`, folder)))
  return { model, reference, feeds: arrays(reference.inputs) }
}

const arrays = (encoded: Readonly<Record<string, EncodedArray>>): Record<string, TensorData> =>
  Object.fromEntries(Object.entries(encoded).map(([key, value]) => [key, decodeArray(value)]))

function lossOf(model: ImportedModel, reference: Reference): Tensor {
  const error = sub(Object.values(model.outputs)[0]!, constant(decodeArray(reference.target)))
  return reduceMean(mul(error, error))
}

const largestError = (found: TensorData, expected: EncodedArray): number => {
  const values = decodeArray(expected)
  expect(found.shape).toEqual(values.shape)
  return Math.max(...Array.from(values.data as Float32Array, (value, i) => Math.abs(value - Number(found.data[i]))))
}

// The newer exporter merges batch normalisation into convolutions and transposes weights; those have other gradients.
const merged: Readonly<Record<string, readonly string[]>> = {
  convnet: ['first.weight', 'first.bias', 'second.weight', 'second.bias'],
}

describe.each(['mlp', 'convnet', 'transformer', 'lstm'])('PyTorch model %s', (name) => {
  describe.each([
    ['torch.export', ''],
    ['TorchScript', '.script'],
  ])('exported by %s', (_, exporter) => {
    test('gives the outputs of PyTorch for any size of its dynamic axes', async () => {
      const { model, reference } = load(name, exporter)
      const program = await compile(model.outputs, { runtime })
      const sizes = [
        [reference.inputs, reference.outputs],
        [reference.otherInputs, reference.otherOutputs],
      ] as const
      // TorchScript writes the sizes of the example into the attention layer.
      const fixedSizes = name === 'transformer' && exporter === '.script'
      for (const [inputs, outputs] of fixedSizes ? sizes.slice(0, 1) : sizes) {
        const found = await program.run(arrays(inputs))
        for (const [key, expected] of Object.entries(outputs)) {
          expect(largestError(found[key]!, expected)).toBeLessThan(3e-6)
        }
      }
      await program.dispose()
    })

    test('has the gradients of PyTorch', async () => {
      const { model, reference, feeds } = load(name, exporter)
      const skipped = exporter === '' ? (merged[name] ?? []) : []
      const known = model.parameters.filter((p) => p.name in reference.gradients && !skipped.includes(p.name))
      if (exporter === '.script')
        expect(known.map((p) => p.name).sort()).toEqual(Object.keys(reference.gradients).sort())
      expect(known.length).toBeGreaterThan(0)
      const gradients = grad(lossOf(model, reference), known)
      const program = await compile(Object.fromEntries(known.map((p, i) => [p.name, gradients[i]!])), { runtime })
      const found = await program.run(feeds)
      for (const { name: key } of known)
        expect([key, largestError(found[key]!, reference.gradients[key]!) < 2e-6]).toEqual([key, true])
      await program.dispose()
    })

    test('is fine-tuned: the loss falls', async () => {
      const { model, reference, feeds } = load(name, exporter)
      const trained = model.parameters.filter((p) => p.requiresGrad)
      const loss = lossOf(model, reference)
      const updates = grad(loss, trained).map(
        (g, i) => [trained[i]!, sub(trained[i]!, mul(g, reference.rate))] as const,
      )
      const program = await compile({ loss }, { runtime, updates })
      const losses: number[] = []
      for (const _step of reference.losses) losses.push(Number((await program.run(feeds)).loss.data[0]))
      for (let i = 1; i < losses.length; i++) expect(losses[i]).toBeLessThan(losses[i - 1]!)
      // Every parameter is there under PyTorch's shape, so each step is PyTorch's step.
      if (exporter === '.script') {
        for (const [i, expected] of reference.losses.entries()) expect(losses[i]).toBeCloseTo(expected, 5)
      }
      await program.dispose()
    })
  })
})
