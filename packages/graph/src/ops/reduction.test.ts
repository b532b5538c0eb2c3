import { describe, expect, test } from 'vitest'
import { checkOp, EDGE_SIZES } from '../../test/opCheck.js'
import { reduceWith, scalar, total } from '../../test/referenceArray.js'
import { runOnce } from '../../test/runOnce.js'
import { ShapeError } from '../errors.js'
import { grad } from '../grad.js'
import { apply1 } from '../op.js'
import type { Tensor } from '../tensor.js'
import { mul } from './arithmetic.js'
import { input } from './leaves.js'
import {
  type Axes,
  argMax,
  argMin,
  reduceL1,
  reduceL2,
  reduceLogSum,
  reduceLogSumExp,
  reduceMax,
  reduceMean,
  reduceMin,
  reduceProd,
  reduceSum,
  reduceSumSquare,
  sizeOfTensor,
} from './reduction.js'
import { type OpType, ops } from './registry.js'

const AXES: readonly (readonly [Axes | undefined, boolean])[] = [
  [undefined, false],
  [undefined, true],
  [1, false],
  [-1, true],
  [[0, 2], false],
  [[-1, 0], true],
]

interface Reduction {
  readonly type: OpType
  readonly build: (x: Tensor, axes?: Axes, keepDims?: boolean) => Tensor
  readonly value: (values: number[]) => number
  readonly range?: readonly [number, number]
  /** Not every reduction has a value for no elements. */
  readonly empty?: boolean
  readonly smooth?: boolean
}
const reductions: readonly Reduction[] = [
  { type: 'ReduceSum', build: reduceSum, value: total, empty: true, smooth: true },
  { type: 'ReduceMean', build: reduceMean, value: (v) => total(v) / v.length, smooth: true },
  { type: 'ReduceMax', build: reduceMax, value: (v) => Math.max(...v) },
  { type: 'ReduceMin', build: reduceMin, value: (v) => Math.min(...v) },
  {
    type: 'ReduceProd',
    build: reduceProd,
    value: (v) => v.reduce((a, b) => a * b, 1),
    range: [-1.5, 1.5],
    empty: true,
    smooth: true,
  },
  {
    type: 'ReduceSumSquare',
    build: reduceSumSquare,
    value: (v) => total(v.map((x) => x * x)),
    empty: true,
    smooth: true,
  },
  { type: 'ReduceL1', build: reduceL1, value: (v) => total(v.map(Math.abs)), empty: true },
  { type: 'ReduceL2', build: reduceL2, value: (v) => Math.hypot(...v), range: [0.5, 2], smooth: true },
  { type: 'ReduceLogSum', build: reduceLogSum, value: (v) => Math.log(total(v)), range: [0.5, 2], smooth: true },
  { type: 'ReduceLogSumExp', build: reduceLogSumExp, value: (v) => Math.log(total(v.map(Math.exp))), smooth: true },
]

// Whether no reduced axis is empty: the mean of nothing has no value.
const reducesSomething = (axes: Axes | undefined, shape: readonly number[]) =>
  (axes === undefined ? [0, 1, 2] : [axes].flat()).every((axis) => shape.at(axis)! > 0)

for (const { type, build, value, range = [-2, 2] as const, empty = false, smooth = false } of reductions) {
  for (const [axes, keep] of AXES) {
    checkOp(type, `over axes ${axes ?? 'all'}${keep ? ', kept' : ''}`, {
      inputs: [{ shape: ['B', 3, 'T'], values: range }],
      sizes: empty ? EDGE_SIZES : EDGE_SIZES.filter(({ B, T }) => reducesSomething(axes, [B!, 3, T!])),
      dtypes: ['float32', 'float64'],
      tolerance: { absolute: 2e-5, relative: 2e-5 },
      gradientTolerance: { absolute: 5e-4, relative: 1e-3 },
      secondOrder: smooth,
      build: ([x]) => build(x!, axes, keep),
      reference: ([x]) => reduceWith(x!, typeof axes === 'number' ? [axes] : axes, keep, value),
    })
  }
  checkOp(type, 'of a scalar', {
    inputs: [{ shape: [], values: [0.5, 2] }],
    build: ([x]) => build(x!),
    reference: ([x]) => scalar(value([x!.data[0]!])),
  })
}

for (const [type, build, sign] of [
  ['ArgMax', argMax, 1],
  ['ArgMin', argMin, -1],
] as const) {
  for (const axis of [0, 1, -1]) {
    checkOp(type, `finds the first along axis ${axis}`, {
      inputs: [{ shape: ['B', 3, 'T'], values: (random) => Math.floor(random() * 3) }],
      sizes: EDGE_SIZES.filter(({ B, T }) => B! * T! > 0),
      build: ([x]) => [build(x!, axis), build(x!, axis, true)],
      reference: ([x]) =>
        [false, true].map((keep) =>
          reduceWith(x!, [axis], keep, (v) => v.indexOf(sign * Math.max(...v.map((e) => sign * e)))),
        ),
    })
  }
}

checkOp('Size', 'counts elements', {
  inputs: [{ shape: ['B', 3, 'T'] }],
  sizes: EDGE_SIZES,
  build: ([x]) => [apply1(ops.Size, [x!]), sizeOfTensor(x!)],
  reference: ([x]) => [scalar(x!.data.length), scalar(x!.data.length)],
})

async function slope(build: (x: Tensor) => Tensor, values: readonly number[]): Promise<number[]> {
  const x = input('x', 'float32', [values.length])
  const { g } = await runOnce({ g: grad(build(x), [x])[0]! }, { x: values })
  return Array.from(g.data, Number)
}

describe('gradients at special points', () => {
  test('ReduceProd is exact with no, one and two zeros', async () => {
    expect(await slope((x) => reduceProd(x), [2, 3, 4])).toEqual([12, 8, 6])
    expect(await slope((x) => reduceProd(x), [2, 0, 4])).toEqual([0, 8, 0])
    expect(await slope((x) => reduceProd(x), [0, 0, 4])).toEqual([0, 0, 0])
  })

  test('ReduceMax and ReduceMin share the gradient between equal elements', async () => {
    expect(await slope((x) => reduceMax(x), [1, 3, 3])).toEqual([0, 0.5, 0.5])
    expect(await slope((x) => reduceMin(x), [1, 1, 3])).toEqual([0.5, 0.5, 0])
  })

  test("ReduceL2 of zeros has gradient 0, as PyTorch's norm", async () => {
    expect(await slope((x) => mul(reduceL2(x), 3), [0, 0])).toEqual([0, 0])
  })

  test('ReduceLogSumExp of large numbers does not overflow', async () => {
    const [a, b] = await slope((x) => reduceLogSumExp(x), [1000, 1000])
    expect(a).toBeCloseTo(0.5, 3)
    expect(b).toBeCloseTo(0.5, 3)
  })
})

test('over nothing the sum is 0, the product 1 and the extrema infinite', async () => {
  const x = input('x', 'float32', ['B', 2])
  const found = await runOnce(
    { sum: reduceSum(x), product: reduceProd(x), max: reduceMax(x), min: reduceMin(x) },
    { x: { dtype: 'float32', shape: [0, 2], data: new Float32Array(0) } },
  )
  expect([found.sum.data[0], found.product.data[0]]).toEqual([0, 1])
  expect([found.max.data[0], found.min.data[0]]).toEqual([Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY])
})

test('an axis outside the rank is an error', () => {
  expect(() => reduceSum(input('x', 'float32', [2]), 1)).toThrow(ShapeError)
})
