import { describe, expect, test } from 'vitest'
import { type CheckedInput, checkOp, EDGE_SIZES } from '../../test/opCheck.js'
import { array, at, broadcastAt, broadcastShape, elementwise, type ReferenceArray } from '../../test/referenceArray.js'
import { runOnce } from '../../test/runOnce.js'
import { DTypeError, ShapeError } from '../errors.js'
import { grad } from '../grad.js'
import { apply1 } from '../op.js'
import type { Tensor } from '../tensor.js'
import {
  abs,
  add,
  div,
  maximum,
  mean,
  minimum,
  mod,
  mul,
  neg,
  type Operand,
  pow,
  reciprocal,
  square,
  sub,
  sum,
} from './arithmetic.js'
import { constant, input } from './leaves.js'
import { reduceSum } from './reduction.js'
import { type OpType, ops } from './registry.js'

const BROADCASTS: readonly (readonly [CheckedInput['shape'], CheckedInput['shape']])[] = [
  [
    ['B', 3, 'T'],
    ['B', 3, 'T'],
  ],
  [['B', 3, 'T'], []],
  [[], ['B', 'T']],
  [
    ['B', 1, 'T'],
    [3, 1],
  ],
  [['T'], ['B', 3, 1]],
]

interface Binary {
  readonly type: OpType
  readonly build: (a: Operand, b: Operand) => Tensor
  readonly value: (a: number, b: number) => number
  readonly left?: readonly [number, number]
  readonly right?: readonly [number, number]
  readonly smooth?: boolean
}

const binaries: readonly Binary[] = [
  { type: 'Add', build: add, value: (a, b) => a + b, smooth: true },
  { type: 'Sub', build: sub, value: (a, b) => a - b, smooth: true },
  { type: 'Mul', build: mul, value: (a, b) => a * b, smooth: true },
  { type: 'Div', build: div, value: (a, b) => a / b, right: [0.5, 2], smooth: true },
  { type: 'Pow', build: pow, value: (a, b) => a ** b, left: [0.5, 2], smooth: true },
  { type: 'Max', build: maximum, value: Math.max },
  { type: 'Min', build: minimum, value: Math.min },
  { type: 'Mod', build: mod, value: (a, b) => a % b, right: [0.7, 0.9] },
]

for (const { type, build, value, left = [-2, 2] as const, right = [-2, 2] as const, smooth = false } of binaries) {
  for (const [a, b] of BROADCASTS) {
    checkOp(type, `broadcasts [${a}] and [${b}]`, {
      inputs: [
        { shape: a, values: left },
        { shape: b, values: right },
      ],
      sizes: EDGE_SIZES,
      dtypes: type === 'Mod' ? ['float32'] : ['float32', 'float64'],
      secondOrder: smooth,
      gradientTolerance: { absolute: 2e-4, relative: 2e-4 },
      build: ([x, y]) => build(x!, y!),
      reference: ([x, y]) => elementwise(value, x!, y!),
    })
  }
  checkOp(type, 'takes numbers for scalars', {
    inputs: [{ shape: ['B', 'T'], values: [0.5, 2] }],
    sizes: EDGE_SIZES,
    dtypes: ['float32', 'float64'],
    build: ([x]) => [build(x!, 1.75), build(1.75, x!)],
    reference: ([x]) => [elementwise((v) => value(v, 1.75), x!), elementwise((v) => value(1.75, v), x!)],
  })
}

const unaries: readonly (readonly [OpType, (x: Tensor) => Tensor, (x: number) => number])[] = [
  ['Neg', neg, (x) => -x],
  ['Reciprocal', reciprocal, (x) => 1 / x],
  ['Abs', abs, Math.abs],
  ['Mul', square, (x) => x * x],
]
for (const [type, build, value] of unaries) {
  for (const shape of [['B', 3, 'T'], []]) {
    checkOp(type, `is element-wise on [${shape}] (${build.name})`, {
      // Away from 0, where Reciprocal explodes and Abs has a kink.
      inputs: [{ shape, values: (random) => (random() < 0.5 ? -1 : 1) * (0.5 + random()) }],
      sizes: EDGE_SIZES,
      dtypes: ['float32', 'float64'],
      secondOrder: true,
      gradientTolerance: { absolute: 2e-4, relative: 2e-4 },
      build: ([x]) => build(x!),
      reference: ([x]) => elementwise(value, x!),
    })
  }
}

const variadic: readonly (readonly [
  OpType,
  (tensors: readonly Tensor[]) => Tensor,
  (...values: number[]) => number,
])[] = [
  ['Sum', sum, (...v) => v.reduce((a, b) => a + b)],
  ['Mean', mean, (...v) => v.reduce((a, b) => a + b) / v.length],
  ['Max', (tensors) => apply1(ops.Max, tensors), Math.max],
  ['Min', (tensors) => apply1(ops.Min, tensors), Math.min],
]
for (const [type, build, value] of variadic) {
  checkOp(type, 'takes many tensors and broadcasts them', {
    inputs: [{ shape: ['B', 3, 'T'] }, { shape: [] }, { shape: [3, 1] }, { shape: ['B', 1, 'T'] }],
    sizes: EDGE_SIZES,
    build,
    reference: (xs) => elementwise(value, ...xs),
  })
  checkOp(type, 'takes a single tensor', {
    inputs: [{ shape: ['B', 'T'] }],
    sizes: EDGE_SIZES,
    build: (xs) => apply1(ops[type], xs),
    reference: ([x]) => x!,
  })
}

checkOp('Pow', 'has exact gradients for constant exponents', {
  inputs: [{ shape: ['B', 'T'], values: [-2, 2] }],
  sizes: EDGE_SIZES,
  secondOrder: true,
  gradientTolerance: { absolute: 1e-3, relative: 1e-3 },
  build: ([x]) => [pow(x!, 2), pow(x!, 3), pow(x!, 1), pow(x!, 0)],
  reference: ([x]) => [2, 3, 1, 0].map((p) => elementwise((v) => v ** p, x!)),
})

checkOp('Pow', 'takes integer exponents of a float', {
  inputs: [{ shape: ['B', 'T'] }, { shape: ['T'], dtype: 'int64', values: (_, i) => i % 4 }],
  sizes: EDGE_SIZES,
  build: ([x, p]) => pow(x!, p!),
  reference: ([x, p]) => elementwise((a, b) => a ** b, x!, p!),
})

const dividends: CheckedInput = { shape: ['B', 'T'], dtype: 'int64', values: [-9, 10] }
const divisors: CheckedInput = {
  shape: ['B', 'T'],
  dtype: 'int64',
  values: (random) => (random() < 0.5 ? -1 : 1) * (1 + Math.floor(random() * 4)),
}
checkOp('Div', 'truncates integers towards zero', {
  inputs: [dividends, divisors],
  sizes: EDGE_SIZES,
  build: ([a, b]) => div(a!, b!),
  reference: ([a, b]) => elementwise((x, y) => Math.trunc(x / y), a!, b!),
})
checkOp('Mod', "of integers has the divisor's sign", {
  inputs: [dividends, divisors],
  sizes: EDGE_SIZES,
  build: ([a, b]) => mod(a!, b!),
  reference: ([a, b]) => elementwise((x, y) => x - y * Math.floor(x / y), a!, b!),
})
checkOp('Mod', 'by fmod has the sign of the dividend', {
  inputs: [{ shape: ['B', 'T'] }, { shape: [], values: [-0.9, -0.7] }],
  sizes: EDGE_SIZES,
  build: ([a, b]) => mod(a!, b!),
  reference: ([a, b]) => elementwise((x, y) => x % y, a!, b!),
})

async function slopes(build: (x: Tensor) => Tensor, values: readonly number[]): Promise<number[]> {
  const x = input('x', 'float32', [values.length])
  const { g } = await runOnce({ g: grad(reduceSum(build(x)), [x])[0]! }, { x: values })
  return Array.from(g.data, Number)
}

describe('gradients at special points', () => {
  test('Pow at base 0 is 0 for exponents above 1, 1 for exponent 1 and 0 for exponent 0', async () => {
    const x = input('x', 'float32', [4])
    const p = input('p', 'float32', [4])
    const [dx, dp] = grad(reduceSum(pow(x, p)), [x, p])
    const { dx: found, dp: exponentSlope } = await runOnce({ dx: dx!, dp: dp! }, { x: [0, 0, 0, 2], p: [2, 1, 0, 0] })
    expect([...found.data]).toEqual([0, 1, 0, 0])
    expect([...exponentSlope.data].map((v) => Math.fround(Number(v)))).toEqual([0, 0, 0, Math.fround(Math.LN2)])
  })

  test('Pow of a negative base has a finite gradient for its base', async () => {
    expect(await slopes((x) => pow(x, 3), [-2, 0])).toEqual([12, 0])
  })

  test('Abs has slope 0 at 0', async () => {
    expect(await slopes(abs, [-1, 0, 1])).toEqual([-1, 0, 1])
  })

  test('Max and Min share the gradient between equal operands', async () => {
    expect(await slopes((x) => maximum(x, 1), [0, 1, 2])).toEqual([0, 0.5, 1])
    expect(await slopes((x) => minimum(x, 1), [0, 1, 2])).toEqual([1, 0.5, 0])
  })

  test('Max of three equal operands shares the whole gradient', async () => {
    const xs = [0, 1, 2].map((i) => input(`x${i}`, 'float32', [1]))
    const gradients = grad(reduceSum(apply1(ops.Max, xs)), xs)
    const found = await runOnce({ a: gradients[0]!, b: gradients[1]!, c: gradients[2]! }, { x0: [1], x1: [1], x2: [1] })
    expect(Number(found.a.data[0]) + Number(found.b.data[0]) + Number(found.c.data[0])).toBeCloseTo(1)
  })
})

describe('shape and dtype rules', () => {
  const f = (shape: CheckedInput['shape']) => input('f', 'float32', shape)

  test('sizes that cannot be broadcast are an error', () => {
    expect(() => add(f([2, 3]), f([4, 3]))).toThrow(ShapeError)
    expect(() => add(f([2, 3]), f([4, 3]))).toThrow('[2, 3] and [4, 3]')
  })

  test('different dtypes are an error that says to cast', () => {
    expect(() => add(f([2]), constant([1, 2], 'int64'))).toThrow(DTypeError)
    expect(() => add(f([2]), constant([1, 2], 'int64'))).toThrow('Insert a cast')
  })

  test('a symbol broadcasts with itself, with 1 and with a number', () => {
    expect(add(f(['T']), f(['T'])).shape).toEqual(['T'])
    expect(add(f(['T']), f([1])).shape).toEqual(['T'])
    expect(add(f(['T']), f([5])).shape).toEqual([5])
  })
})

// Keeps the helpers honest about what broadcasting means.
test('the reference broadcasts as NumPy does', () => {
  const column: ReferenceArray = array([2, 1], ([i]) => i!)
  const row: ReferenceArray = array([3], ([i]) => 10 * i!)
  const sums = elementwise((a, b) => a + b, column, row)
  expect(broadcastShape([2, 1], [3])).toEqual([2, 3])
  expect([...sums.data]).toEqual([0, 10, 20, 1, 11, 21])
  expect(at(sums, [1, 2])).toBe(21)
  expect(broadcastAt(row, [1, 2])).toBe(20)
})
