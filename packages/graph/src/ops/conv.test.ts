import { describe, expect, test } from 'vitest'
import { convolve, type Geometry, geometry } from '../../test/convolution.js'
import { checkOp } from '../../test/opCheck.js'
import type { ReferenceArray } from '../../test/referenceArray.js'
import { ShapeError } from '../errors.js'
import type { Tensor } from '../tensor.js'
import { conv } from './conv.js'
import { input } from './leaves.js'

interface Case {
  readonly title: string
  readonly x: readonly (number | string)[]
  readonly w: readonly number[]
  readonly geometry?: Partial<Geometry>
  readonly bias?: boolean
  readonly sizes?: readonly Readonly<Record<string, number>>[]
}

const cases: readonly Case[] = [
  { title: 'of one tap', x: ['B', 3, 'T'], w: [4, 3, 1], bias: true },
  { title: 'of width 3 with padding and bias', x: ['B', 3, 'T'], w: [4, 3, 3], bias: true, geometry: { pads: [1, 1] } },
  { title: 'with uneven padding', x: ['B', 2, 'T'], w: [3, 2, 4], geometry: { pads: [2, 1] } },
  { title: 'with stride 2', x: ['B', 2, 'T'], w: [3, 2, 3], geometry: { strides: [2], pads: [1, 1] } },
  {
    title: 'with stride 3 over samples that no window covers',
    x: ['B', 2, 'T'],
    w: [3, 2, 2],
    geometry: { strides: [3] },
  },
  { title: 'with stride beyond the kernel', x: ['B', 2, 'T'], w: [3, 2, 1], geometry: { strides: [3] } },
  { title: 'with dilation', x: ['B', 2, 'T'], w: [3, 2, 3], geometry: { dilations: [2], pads: [2, 2] } },
  {
    title: 'with stride and dilation',
    x: ['B', 2, 'T'],
    w: [3, 2, 3],
    geometry: { dilations: [3], strides: [2], pads: [3, 3] },
  },
  { title: 'with more padding than reach', x: ['B', 2, 'T'], w: [3, 2, 2], geometry: { pads: [3, 2] } },
  { title: 'in groups', x: ['B', 4, 'T'], w: [6, 2, 3], bias: true, geometry: { group: 2, pads: [1, 1] } },
  { title: 'depthwise', x: ['B', 3, 'T'], w: [3, 1, 5], geometry: { group: 3, pads: [2, 2] } },
  {
    title: 'depthwise with a multiplier, stride and dilation',
    x: ['B', 3, 'T'],
    w: [6, 1, 3],
    geometry: { group: 3, strides: [2], dilations: [2], pads: [2, 2] },
  },
  { title: 'with an even kernel in groups', x: ['B', 4, 'T'], w: [2, 2, 2], geometry: { group: 2, strides: [2] } },
]
const LENGTHS = [
  { B: 2, T: 9 },
  { B: 1, T: 7 },
  { B: 3, T: 8 },
]
for (const { title, x, w, bias = false, geometry: partial = {}, sizes = LENGTHS } of cases) {
  checkOp('Conv', `${title} (1-D)`, {
    inputs: [{ shape: x }, { shape: w }, ...(bias ? [{ shape: [w[0]!] }] : [])],
    sizes,
    secondOrder: true,
    tolerance: { absolute: 2e-5, relative: 2e-5 },
    gradientTolerance: { absolute: 5e-4, relative: 5e-4 },
    build: ([data, weight, b]) => conv(data!, weight!, b, geometry(1, partial)),
    reference: ([data, weight, b]) => convolve(data!, weight!, b, geometry(1, partial)),
  })
}

const planar: readonly Case[] = [
  { title: 'with padding', x: ['B', 2, 'H', 'W'], w: [3, 2, 3, 3], bias: true, geometry: { pads: [1, 1, 1, 1] } },
  {
    title: 'with different strides',
    x: ['B', 2, 'H', 'W'],
    w: [3, 2, 3, 2],
    geometry: { strides: [2, 3], pads: [1, 0, 0, 1] },
  },
  {
    title: 'with different dilations in groups',
    x: ['B', 2, 'H', 'W'],
    w: [4, 1, 2, 2],
    geometry: { group: 2, dilations: [1, 2], strides: [2, 1] },
  },
]
for (const { title, x, w, bias = false, geometry: partial = {} } of planar) {
  checkOp('Conv', `${title} (2-D)`, {
    inputs: [{ shape: x }, { shape: w }, ...(bias ? [{ shape: [w[0]!] }] : [])],
    sizes: [
      { B: 2, H: 5, W: 4 },
      { B: 1, H: 4, W: 7 },
    ],
    secondOrder: true,
    tolerance: { absolute: 2e-5, relative: 2e-5 },
    gradientTolerance: { absolute: 5e-4, relative: 5e-4 },
    build: ([data, weight, b]) => conv(data!, weight!, b, geometry(2, partial)),
    reference: ([data, weight, b]) => convolve(data!, weight!, b, geometry(2, partial)),
  })
}
const strided = {
  inputs: [{ shape: ['B', 2, 'T'] }, { shape: [3, 2, 3] }],
  sizes: LENGTHS,
  gradientTolerance: { absolute: 5e-4, relative: 5e-4 },
  build: ([x, w]: readonly Tensor[]) => conv(x!, w!, undefined, { strides: 2 }),
  reference: ([x, w]: readonly ReferenceArray[]) => convolve(x!, w!, undefined, geometry(1, { strides: [2] })),
}
checkOp('ConvInputGradient', 'is made by differentiating a convolution', strided)
checkOp('ConvWeightGradient', 'is made by differentiating a convolution', strided)
checkOp('Conv', 'of an empty batch is empty', {
  inputs: [{ shape: ['B', 2, 'T'] }, { shape: [3, 2, 3] }],
  sizes: [{ B: 0, T: 5 }],
  gradient: false,
  build: ([x, w]) => conv(x!, w!),
  reference: ([x, w]) => convolve(x!, w!, undefined, geometry(1, {})),
})

describe('shape rule', () => {
  const f = (shape: readonly (number | string)[]) => input('f', 'float32', shape)

  test('names the frames of a symbolic length', () => {
    expect(conv(f(['B', 2, 'T']), f([3, 2, 3]), undefined, { strides: 2, pads: 1 }).shape).toEqual([
      'B',
      3,
      'floor((T+1)/2)',
    ])
  })
  test('refuses channels that do not fit the groups', () => {
    expect(() => conv(f([1, 3, 5]), f([4, 2, 3]))).toThrow(ShapeError)
    expect(() => conv(f([1, 4, 5]), f([3, 2, 3]), undefined, { group: 2 })).toThrow('3 filters cannot form 2 groups')
  })
  test('refuses a kernel longer than the data', () => {
    expect(() => conv(f([1, 2, 3]), f([1, 2, 9]))).toThrow('longer than the padded axis')
  })
  test('refuses a bias of another size', () => {
    expect(() => conv(f([1, 2, 5]), f([3, 2, 3]), f([2]))).toThrow('bias of [3]')
  })
  test('refuses strides that are no whole numbers above 0', () => {
    expect(() => conv(f([1, 2, 5]), f([3, 2, 3]), undefined, { strides: 0 })).toThrow(ShapeError)
    expect(() => conv(f([1, 2, 5]), f([3, 2, 3]), undefined, { dilations: 1.5 })).toThrow(ShapeError)
  })
})
