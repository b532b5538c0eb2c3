import fc from 'fast-check'
import { expect, test } from 'vitest'
import { expectLoweringAgrees, lowered, uniform } from '../../../../test/loweringCheck.js'
import { typesIn } from '../../../../test/opCheck.js'
import { runOnce } from '../../../../test/runOnce.js'
import { seededRandom } from '../../../../test/seededRandom.js'
import { addDims, type Dim, floorDivideDims } from '../../../dim.js'
import { grad } from '../../../grad.js'
import { mul } from '../../../ops/arithmetic.js'
import { type ConvOptions, conv } from '../../../ops/conv.js'
import { input } from '../../../ops/leaves.js'
import { reduceSum } from '../../../ops/reduction.js'
import type { Tensor } from '../../../tensor.js'

interface Case {
  readonly channels: number
  readonly kernel: number
  readonly stride: number
  readonly dilation: number
  readonly before: number
  readonly after: number
}

// A convolution and all its gradients, weighted by a fed dy, with symbolic batch and time.
function graph({ channels, kernel, stride, dilation, before, after }: Case, time: Dim = 'T'): Record<string, Tensor> {
  const x = input('x', 'float32', ['B', channels, time])
  const w = input('w', 'float32', [channels, 1, kernel])
  const bias = input('bias', 'float32', [channels])
  const options: ConvOptions = { group: channels, strides: stride, dilations: dilation, pads: [before, after] }
  const y = conv(x, w, bias, options)
  const loss = reduceSum(mul(y, input('dy', 'float32', y.shape)))
  const [gx, gw, gb] = grad(loss, [x, w, bias]) as [Tensor, Tensor, Tensor]
  return { y, gx, gw, gb }
}

function feeds(each: Case, batch: number, frames: number, seed: number) {
  const random = seededRandom(seed)
  const { channels, kernel } = each
  return {
    x: uniform([batch, channels, frames], random),
    w: uniform([channels, 1, kernel], random),
    bias: uniform([channels], random),
    dy: uniform([batch, channels, framesOut(each, frames)], random),
  }
}

const framesOut = ({ kernel, stride, dilation, before, after }: Case, frames: number): number =>
  Math.floor((frames + before + after - dilation * (kernel - 1) - 1) / stride) + 1

const same = (channels: number, kernel: number, dilation = 1): Case => {
  const pad = (dilation * (kernel - 1)) / 2
  return { channels, kernel, stride: 1, dilation, before: Math.floor(pad), after: Math.ceil(pad) }
}

// Accumulating thousands of products in another order moves the last digits.
const tolerance = { absolute: 3e-5, relative: 3e-5 }

test('random depthwise convolutions and their gradients agree with their definitions', async () => {
  const arbitrary = fc
    .record({
      channels: fc.constantFrom(8, 12, 16, 20, 32, 50),
      kernel: fc.integer({ min: 1, max: 8 }),
      stride: fc.integer({ min: 1, max: 3 }),
      dilation: fc.integer({ min: 1, max: 3 }),
      before: fc.integer({ min: 0, max: 9 }),
      after: fc.integer({ min: 0, max: 9 }),
      batch: fc.integer({ min: 1, max: 3 }),
      frames: fc.integer({ min: 1, max: 20 }),
    })
    .filter((each) => framesOut(each, each.frames) >= 1)
  await fc.assert(
    fc.asyncProperty(arbitrary, async ({ batch, frames, ...each }) => {
      await expectLoweringAgrees(graph(each), [feeds(each, batch, frames, 1)], tolerance)
    }),
    { numRuns: 25, seed: 7 },
  )
})

test('one program serves every batch size and length, shorter than the kernel included', async () => {
  const each = same(16, 5)
  const sizes = [[1, 1], [1, 9], [3, 2], [2, 30]] as const // biome-ignore format: pairs
  await expectLoweringAgrees(
    graph(each),
    sizes.map(([batch, frames], i) => feeds(each, batch, frames, i)),
    tolerance,
  )
})

test('a strided convolution of frames whose samples are out of sight agrees', async () => {
  const each = { ...same(16, 5), stride: 2 }
  const frames = addDims(floorDivideDims('samples', 160), 1)
  await expectLoweringAgrees(graph(each, frames), [feeds(each, 2, 9, 1), feeds(each, 1, 12, 2)], tolerance)
})

test.each([
  ['odd', same(256, 33)],
  ['even', same(256, 40)],
  ['dilated', same(250, 35, 2)],
  ['strided', { ...same(256, 33), stride: 2 }],
] as const)('a large %s kernel agrees', async (_, each) => {
  await expectLoweringAgrees(graph(each), [feeds(each, 2, 11, 1), feeds(each, 1, 40, 2)], tolerance)
})

test('the gradient of the weight agrees with finite differences', async () => {
  const each = same(16, 3)
  const { y, gw } = graph(each) as { y: Tensor; gw: Tensor }
  const values = feeds(each, 2, 7, 3)
  const loss = async (shift: number, at: number) => {
    const data = values.w.data.slice()
    data[at]! += shift
    const found = await runOnce({ y }, { x: values.x, w: { ...values.w, data }, bias: values.bias })
    return values.dy.data.reduce((sum, dy, i) => sum + dy * Number(found.y.data[i]), 0)
  }
  const found = await runOnce({ gw }, values)
  for (const at of [0, 7, 47]) {
    expect(Number(found.gw.data[at])).toBeCloseTo((await loss(0.5, at)) - (await loss(-0.5, at)), 3)
  }
})

test('blocks that would be mostly empty, groups of several channels and float64 keep the plain convolution', () => {
  expect(typesIn(lowered([graph(same(4, 3)).y!]))).not.toContain('ReorderInput')
  const x = input('x', 'float32', ['B', 32, 'T'])
  const pairs = conv(x, input('w', 'float32', [32, 2, 3]), undefined, { group: 16 })
  expect(typesIn(lowered([pairs]))).not.toContain('ReorderInput')
  const double = conv(input('x', 'float64', ['B', 32, 'T']), input('w', 'float64', [32, 1, 3]), undefined, {
    group: 32,
  })
  expect(typesIn(lowered([double]))).not.toContain('ReorderInput')
})

test('a machine without kernels for blocks keeps the plain convolution', () => {
  expect(typesIn(lowered([graph(same(32, 5)).y!], { nchwcBlock: 0 }))).not.toContain('ReorderInput')
})
