import {
  add,
  batchNormTraining,
  compile,
  conv,
  grad,
  input,
  matMul,
  mul,
  ort,
  type Parameter,
  parameter,
  type Runtime,
  reduceMean,
  relu,
  softmax,
  sub,
  topologicalOrder,
} from '@nemo/graph'
import { useSoftwareVulkan } from '@nemo-tools/software-vulkan'
import { expect, test } from 'vitest'
import { halfReads } from '../src/halfStorage.js'
import { costMeter, webgpu } from '../src/index.js'
import { halfPrecisionTensors } from '../src/mixedPrecision.js'
import { seededRandom } from './runCheck.js'
import { trainSmall } from './smallTraining.js'
import { testDevice } from './testDevice.js'

useSoftwareVulkan()
const mixed = webgpu({ precision: '16-mixed', emulateHalf: true })

const tensor = (shape: readonly number[], element: (i: number) => number) => ({
  dtype: 'float32' as const,
  shape,
  data: Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, i) => element(i)),
})

test('a small network trains in mixed precision close to float32, and not with its very numbers', async () => {
  const [found, expected] = [await trainSmall(await mixed), await trainSmall(ort({ threads: 1 }))]
  found.losses.forEach((loss, step) => {
    expect(Math.abs(loss / expected.losses[step]! - 1), `loss of step ${step}`).toBeLessThan(3e-3)
  })
  expect(found.losses).not.toEqual((await trainSmall(await testDevice())).losses)
})

// Large enough for element-wise results to be stored: a block with normalisation and a residual.
async function trainLarge(runtime: Runtime, scale: number): Promise<number[]> {
  const random = seededRandom(3)
  const shapes = [[8, 4, 1], [8, 8, 1], [2, 8, 1], [8], [8]]
  const weights = shapes.map((shape, i) =>
    parameter(
      `w${i}`,
      tensor(shape, () => random() - 0.5),
    ),
  )
  const [first, second, last, gain, bias] = weights as [Parameter, Parameter, Parameter, Parameter, Parameter]
  const [x, y] = [input('x', 'float32', ['B', 4, 'T']), input('y', 'float32', ['B', 2, 'T'])]
  const h = relu(conv(x, first))
  const block = relu(add(h, batchNormTraining(conv(h, second), gain, bias, 1e-3).y))
  const error = sub(conv(block, last), y)
  const loss = reduceMean(mul(error, error))
  const gradients = grad(mul(loss, scale), weights)
  const updates = weights.map((w, i) => [w, sub(w, mul(gradients[i]!, 0.2 / scale))] as const)
  const program = await compile({ loss }, { runtime, updates })
  const feeds = { x: tensor([2, 4, 4200], () => random() - 0.5), y: tensor([2, 2, 4200], () => 1) }
  const losses: number[] = []
  for (let step = 0; step < 4; step++) losses.push(Number((await program.run(feeds)).loss.data[0]))
  await program.dispose()
  return losses
}

test('convolutions, normalisation and a residual train in mixed precision', async () => {
  const expected = await trainLarge(ort({ threads: 1 }), 1)
  const found = await trainLarge(await mixed, 1024)
  expect(expected.at(-1)!).toBeLessThan(0.9 * expected[0]!)
  found.forEach((loss, step) => {
    expect(Math.abs(loss / expected[step]! - 1), `loss of step ${step}`).toBeLessThan(5e-3)
  })
})

test('what half precision cannot hold becomes infinite, NaN stays, and small numbers are rounded', async () => {
  const one = parameter(
    'one',
    tensor([1, 1], () => 1),
  )
  const x = input('x', 'float32', ['N', 1])
  const program = await compile({ y: matMul(matMul(x, one), one) }, { runtime: await mixed })
  const values = [
    65504,
    65519,
    65520,
    -1e6,
    Number.POSITIVE_INFINITY,
    Number.NaN,
    1 + 2 ** -12,
    2 ** -24,
    2 ** -26,
    -0.5,
  ]
  const { y } = await program.run({ x: tensor([values.length, 1], (i) => values[i]!) })
  const inf = Number.POSITIVE_INFINITY
  expect([...y.data].map(Number)).toEqual([65504, 65504, inf, -inf, inf, Number.NaN, 1, 2 ** -24, 0, -0.5])
  await program.dispose()
})

test('a device without shader-f16 refuses mixed precision', async () => {
  await expect(webgpu({ precision: '16-mixed' })).rejects.toThrow(
    /Asked for precision 16-mixed, but .*SwiftShader.* has no shader-f16. Use precision 32, or another adapter./,
  )
})

test('between two products two bytes an element are written and read', async () => {
  const kernels = async (precision: '32' | '16-mixed') => {
    const runtime = costMeter({ precision })
    const [v, w] = ['v', 'w'].map((name) =>
      parameter(
        name,
        tensor([32, 32], () => 0),
      ),
    )
    const program = await compile({ y: matMul(relu(matMul(input('x', 'float32', ['N', 32]), v!)), w!) }, { runtime })
    await program.run({ x: tensor([100, 32], () => 0) })
    const [kernel] = runtime.latest!.kernels
    return [kernel!.bytesRead, kernel!.bytesWritten]
  }
  const [weights, data] = [2 * 4 * 32 * 32, 100 * 32]
  expect(await kernels('32')).toEqual([weights + 8 * data, 8 * data])
  expect(await kernels('16-mixed')).toEqual([weights + 6 * data, 6 * data])
})

test('features, what softmax reads and statistics keep float32', () => {
  const w = parameter(
    'w',
    tensor([4, 4], () => 0),
  )
  const window = parameter(
    'window',
    tensor([4, 4], () => 0),
    { role: 'buffer' },
  )
  const features = matMul(input('x', 'float32', [8, 4]), window)
  const hidden = matMul(features, w)
  const active = relu(hidden)
  const logits = matMul(active, w)
  const probabilities = softmax(logits)
  const mean = reduceMean(active, [0])
  const half = halfPrecisionTensors(topologicalOrder([probabilities, mean]))
  expect([features, hidden, active, logits, probabilities, mean, w].map((each) => half.has(each))).toEqual([
    ...[false, true, true, false, false, false, false],
  ])
})

test('kernels compute with float32 whatever their buffers hold', () => {
  const body = 'if (b1[b0[i]] == 2.0) { b0[b2[j + 1] * 2] = b1[i] + b0[i]; }'
  expect(halfReads(body, ['f16', 'bits', undefined])).toBe(
    'if (number_of_half(b1[f32(b0[i])]) == 2.0) { b0[b2[j + 1] * 2] = half_of(number_of_half(b1[i]) + f32(b0[i])); }',
  )
  expect(halfReads(body, [undefined, undefined, undefined])).toBe(body)
  expect(() => halfReads('b0[i] += 1.0;', ['f16'])).toThrow(/in place: b0\[i\]/)
})

// Dawn's null device has shader-f16, checks everything and computes nothing.
test("kernels for devices with shader-f16 pass WebGPU's checks", async () => {
  const { create } = await import('webgpu')
  const gpu = create(['backend=null'])
  const adapter = (await gpu.requestAdapter())!
  const device = await adapter.requestDevice({ requiredFeatures: ['shader-f16'] })
  const runtime = await webgpu({ device, precision: '16-mixed' })
  expect(runtime.precision).toBe('16-mixed')
  expect((await trainSmall(runtime)).losses).toHaveLength(4)
  expect(await trainLarge(runtime, 1)).toHaveLength(4)
  await runtime.dispose()
})
