import { expect, test } from 'vitest'
import { expectLoweringAgrees, lowered, uniform } from '../../../../test/loweringCheck.js'
import { typesIn } from '../../../../test/opCheck.js'
import { seededRandom } from '../../../../test/seededRandom.js'
import { grad } from '../../../grad.js'
import { mul } from '../../../ops/arithmetic.js'
import { conv } from '../../../ops/conv.js'
import { input } from '../../../ops/leaves.js'
import { reduceSum } from '../../../ops/reduction.js'
import type { Tensor } from '../../../tensor.js'

function graph(inputs: number, filters: number, lengths: readonly string[]): Record<string, Tensor> {
  const x = input('x', 'float32', ['B', inputs, ...lengths])
  const w = input('w', 'float32', [filters, inputs, ...lengths.map(() => 1)])
  const bias = input('bias', 'float32', [filters])
  const y = conv(x, w, bias)
  const loss = reduceSum(mul(y, input('dy', 'float32', y.shape)))
  const [gx, gw, gb] = grad(loss, [x, w, bias]) as [Tensor, Tensor, Tensor]
  return { y, gx, gw, gb }
}

function feeds(inputs: number, filters: number, batch: number, lengths: readonly number[]) {
  const random = seededRandom(batch)
  return {
    x: uniform([batch, inputs, ...lengths], random),
    w: uniform([filters, inputs, ...lengths.map(() => 1)], random),
    bias: uniform([filters], random),
    dy: uniform([batch, filters, ...lengths], random),
  }
}

test.each([
  ['1-D', 5, 7, ['T'], [[1], [6]]],
  ['1-D with many weights', 40, 33, ['T'], [[1], [9]]],
  ['1-D with one channel', 1, 1, ['T'], [[4]]],
  ['2-D', 3, 4, ['H', 'W'], [[2, 3], [1, 5]]], // biome-ignore format: one case a line
] as const)('a %s convolution of one tap is matrix products that agree', async (_, inputs, filters, axes, lengths) => {
  const outputs = graph(inputs, filters, axes)
  const types = typesIn(lowered(Object.values(outputs)))
  expect(types).toContain('MatMul')
  expect(types).not.toContain('Conv')
  const runs = [1, 3].flatMap((batch) => lengths.map((sizes) => feeds(inputs, filters, batch, sizes)))
  await expectLoweringAgrees(outputs, runs)
})

test('strides, padding and groups keep the convolution', () => {
  const x = input('x', 'float32', ['B', 4, 'T'])
  const w = input('w', 'float32', [6, 4, 1])
  for (const y of [conv(x, w, undefined, { strides: 2 }), conv(x, w, undefined, { pads: 1 })]) {
    expect(typesIn(lowered([y]))).toContain('Conv')
  }
  expect(typesIn(lowered([conv(x, input('v', 'float32', [6, 2, 1]), undefined, { group: 2 })]))).toContain('Conv')
})

test('a frozen program keeps the convolution, for ONNX Runtime to fuse', () => {
  const y = conv(input('x', 'float32', ['B', 4, 'T']), input('w', 'float32', [6, 4, 1]))
  expect(typesIn(lowered([y], { frozen: true }))).toContain('Conv')
})
