import { describe, expect, test } from 'vitest'
import { convolveTransposed, type Geometry, geometry } from '../../test/convolution.js'
import { checkOp } from '../../test/opCheck.js'
import { ShapeError } from '../errors.js'
import { convTranspose } from './convTranspose.js'
import { input } from './leaves.js'

interface Case {
  readonly title: string
  readonly x: readonly (number | string)[]
  readonly w: readonly number[]
  readonly geometry?: Partial<Geometry>
  readonly outputPadding?: readonly number[]
  readonly bias?: number
}
const cases: readonly Case[] = [
  { title: 'widens by the kernel', x: ['B', 3, 'T'], w: [3, 2, 3], bias: 2 },
  {
    title: 'upsamples by its stride',
    x: ['B', 3, 'T'],
    w: [3, 2, 4],
    geometry: { strides: [2], pads: [1, 1] },
    bias: 2,
  },
  {
    title: 'upsamples with uneven pads and output padding',
    x: ['B', 2, 'T'],
    w: [2, 3, 3],
    geometry: { strides: [3], pads: [1, 0] },
    outputPadding: [2],
  },
  { title: 'dilates', x: ['B', 2, 'T'], w: [2, 3, 3], geometry: { dilations: [2], pads: [1, 2] } },
  { title: 'works in groups', x: ['B', 4, 'T'], w: [4, 3, 3], geometry: { group: 2, strides: [2] }, bias: 6 },
  { title: 'works depthwise', x: ['B', 3, 'T'], w: [3, 1, 4], geometry: { group: 3, strides: [2], pads: [1, 1] } },
  {
    title: 'works on two axes',
    x: ['B', 2, 'T', 3],
    w: [2, 3, 3, 2],
    geometry: { strides: [2, 1], pads: [1, 0, 1, 1] },
    outputPadding: [1, 0],
    bias: 3,
  },
]
for (const { title, x, w, geometry: partial = {}, outputPadding = w.slice(2).map(() => 0), bias } of cases) {
  const full = geometry(w.length - 2, partial)
  checkOp('ConvTranspose', title, {
    inputs: [{ shape: x }, { shape: w }, ...(bias ? [{ shape: [bias] }] : [])],
    sizes: [
      { B: 2, T: 5 },
      { B: 1, T: 1 },
      { B: 1, T: 4 },
    ],
    secondOrder: true,
    tolerance: { absolute: 2e-5, relative: 2e-5 },
    gradientTolerance: { absolute: 5e-4, relative: 5e-4 },
    build: ([data, weight, b]) => convTranspose(data!, weight!, b, { ...full, outputPadding }),
    reference: ([data, weight, b]) => convolveTransposed(data!, weight!, b, full, outputPadding),
  })
}

describe('shape rule', () => {
  const f = (shape: readonly (number | string)[]) => input('f', 'float32', shape)

  test('names the samples of a symbolic length', () => {
    expect(convTranspose(f(['B', 3, 'T']), f([3, 2, 4]), undefined, { strides: 2, pads: 1 }).shape).toEqual([
      'B',
      2,
      '2*T',
    ])
  })
  test('refuses output padding of a whole stride', () => {
    expect(() => convTranspose(f([1, 3, 4]), f([3, 2, 4]), undefined, { strides: 2, outputPadding: 2 })).toThrow(
      ShapeError,
    )
  })
  test('refuses a weight for other channels', () => {
    expect(() => convTranspose(f([1, 3, 4]), f([2, 2, 4]))).toThrow('3 channels do not fit a weight for 2')
  })
})
