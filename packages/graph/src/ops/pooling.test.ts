import { describe, expect, test } from 'vitest'
import { checkOp } from '../../test/opCheck.js'
import { array, at, indicesOf, type ReferenceArray, reduceWith, total } from '../../test/referenceArray.js'
import { runOnce } from '../../test/runOnce.js'
import { GradientError, ShapeError } from '../errors.js'
import { grad } from '../grad.js'
import { applyOp } from '../op.js'
import { input } from './leaves.js'
import { averagePool, globalAveragePool, globalMaxPool, maxPool, type PoolOptions } from './pooling.js'
import { reduceSum } from './reduction.js'
import { ops } from './registry.js'

type Pool = Required<Pick<PoolOptions, 'ceilMode'>> & {
  [K in 'kernel' | 'strides' | 'dilations' | 'pads']: readonly number[]
}

// What each window holds: elements, and how many places of declared padding.
function windows(x: ReferenceArray, p: Pool, value: (elements: number[], padding: number) => number): ReferenceArray {
  const spatial = p.kernel.length
  const lengths = x.shape.slice(2)
  const out = lengths.map((length, i) => {
    const room = length + p.pads[i]! + p.pads[i + spatial]! - p.dilations[i]! * (p.kernel[i]! - 1) - 1
    if (!p.ceilMode) return Math.floor(room / p.strides[i]!) + 1
    const frames = Math.ceil(room / p.strides[i]!) + 1
    return (frames - 1) * p.strides[i]! >= length + p.pads[i]! ? frames - 1 : frames
  })
  return array([...x.shape.slice(0, 2), ...out], ([b, c, ...frame]) => {
    const elements: number[] = []
    let padding = 0
    for (const tap of indicesOf(p.kernel)) {
      const place = frame.map((f, i) => f * p.strides[i]! + tap[i]! * p.dilations[i]! - p.pads[i]!)
      if (place.every((v, i) => v >= 0 && v < lengths[i]!)) elements.push(at(x, [b!, c!, ...place]))
      else if (place.every((v, i) => v < lengths[i]! + p.pads[i + spatial]!)) padding++
    }
    return value(elements, padding)
  })
}

const pools: readonly (Pool & { readonly title: string })[] = [
  { title: 'side by side', kernel: [2], strides: [2], dilations: [1], pads: [0, 0], ceilMode: false },
  { title: 'overlapping, padded', kernel: [3], strides: [1], dilations: [1], pads: [1, 1], ceilMode: false },
  { title: 'strided, unevenly padded', kernel: [3], strides: [2], dilations: [1], pads: [1, 0], ceilMode: false },
  { title: 'dilated', kernel: [2], strides: [1], dilations: [2], pads: [0, 0], ceilMode: false },
  { title: 'over two axes', kernel: [2, 3], strides: [2, 1], dilations: [1, 1], pads: [0, 1, 0, 1], ceilMode: false },
]
const hanging: readonly (Pool & { readonly title: string })[] = [
  { title: 'hanging over the end', kernel: [3], strides: [2], dilations: [1], pads: [0, 0], ceilMode: true },
  { title: 'padded and hanging over the end', kernel: [3], strides: [2], dilations: [1], pads: [1, 1], ceilMode: true },
]
const LENGTHS = [
  { B: 2, T: 6 },
  { B: 1, T: 7 },
  { B: 1, T: 4 },
]

for (const { title, ...options } of [...pools, ...hanging]) {
  const shape = ['B', 3, 'T', ...options.kernel.slice(1).map(() => 4)]
  checkOp('MaxPool', `of windows ${title}`, {
    inputs: [{ shape }],
    sizes: LENGTHS,
    secondOrder: true,
    build: ([x]) => maxPool(x!, options),
    reference: ([x]) => windows(x!, options, (elements) => Math.max(...elements)),
  })
  for (const countIncludePad of [false, true]) {
    checkOp('AveragePool', `of windows ${title}${countIncludePad ? ', counting padding' : ''}`, {
      inputs: [{ shape }],
      sizes: LENGTHS,
      secondOrder: true,
      symbolic: !options.ceilMode,
      build: ([x]) => averagePool(x!, { ...options, countIncludePad }),
      reference: ([x]) =>
        windows(
          x!,
          options,
          (elements, padding) => total(elements) / (elements.length + (countIncludePad ? padding : 0)),
        ),
    })
  }
}
for (const shape of [
  ['B', 3, 'T'],
  ['B', 2, 'T', 3],
]) {
  const axes = shape.slice(2).map((_, i) => i + 2)
  const sizes = LENGTHS
  checkOp('GlobalAveragePool', `of [${shape}]`, {
    inputs: [{ shape }],
    sizes,
    secondOrder: true,
    build: ([x]) => globalAveragePool(x!),
    reference: ([x]) => reduceWith(x!, axes, true, (v) => total(v) / v.length),
  })
  checkOp('GlobalMaxPool', `of [${shape}]`, {
    inputs: [{ shape }],
    sizes,
    build: ([x]) => globalMaxPool(x!),
    reference: ([x]) => reduceWith(x!, axes, true, (v) => Math.max(...v)),
  })
}

describe('details', () => {
  const x = input('x', 'float32', ['B', 1, 'T'])

  test('MaxPool gives the gradient to the first of equal elements', async () => {
    const { g } = await runOnce({ g: grad(reduceSum(maxPool(x, { kernel: 3 })), [x])[0]! }, { x: [[[1, 5, 5]]] })
    expect([...g.data]).toEqual([0, 1, 0])
  })

  test('MaxPool tells positions in the flattened data', async () => {
    const [, positions] = applyOp(ops.MaxPool, [x], { kernel_shape: [2], strides: [2] }, 2)
    const { p } = await runOnce({ p: positions! }, { x: [[[1, 2, 4, 3]], [[8, 7, 5, 6]]] })
    expect([...p.data].map(Number)).toEqual([1, 2, 4, 7])
  })

  test('AveragePool that hangs over a symbolic end has no gradient and says so', () => {
    expect(() => grad(reduceSum(averagePool(x, { kernel: 3, strides: 2, ceilMode: true })), [x])).toThrow(GradientError)
  })

  test('a kernel longer than the data is an error', () => {
    expect(() => maxPool(input('y', 'float32', [1, 1, 2]), { kernel: 4 })).toThrow(ShapeError)
  })
})
