import { expect, test } from 'vitest'
import { checkOp, EDGE_SIZES } from '../../test/opCheck.js'
import { elementwise } from '../../test/referenceArray.js'
import { runOnce } from '../../test/runOnce.js'
import { ShapeError } from '../errors.js'
import type { Tensor } from '../tensor.js'
import {
  equal,
  greater,
  greaterOrEqual,
  isInf,
  isNan,
  less,
  lessOrEqual,
  logicalAnd,
  logicalNot,
  logicalOr,
  logicalXor,
} from './comparison.js'
import { constant, input } from './leaves.js'
import type { OpType } from './registry.js'

const comparisons: readonly (readonly [OpType, (a: Tensor, b: Tensor) => Tensor, (a: number, b: number) => boolean])[] =
  [
    ['Equal', equal, (a, b) => a === b],
    ['Greater', greater, (a, b) => a > b],
    ['GreaterOrEqual', greaterOrEqual, (a, b) => a >= b],
    ['Less', less, (a, b) => a < b],
    ['LessOrEqual', lessOrEqual, (a, b) => a <= b],
  ]
for (const [type, build, value] of comparisons) {
  for (const dtype of ['float32', 'float64', 'int64', 'int32'] as const) {
    checkOp(type, `compares ${dtype} with broadcasting`, {
      inputs: [
        { shape: ['B', 3, 'T'], dtype, values: (random) => Math.floor(random() * 3) },
        { shape: [3, 1], dtype, values: (random) => Math.floor(random() * 3) },
      ],
      sizes: EDGE_SIZES,
      build: ([a, b]) => build(a!, b!),
      reference: ([a, b]) => elementwise((x, y) => Number(value(x, y)), a!, b!),
    })
  }
}

const connectives: readonly (readonly [OpType, (a: Tensor, b: Tensor) => Tensor, (a: number, b: number) => number])[] =
  [
    ['And', logicalAnd, (a, b) => a & b],
    ['Or', logicalOr, (a, b) => a | b],
    ['Xor', logicalXor, (a, b) => a ^ b],
  ]
const coin = (random: () => number) => Number(random() < 0.5)
for (const [type, build, value] of connectives) {
  checkOp(type, 'joins booleans with broadcasting', {
    inputs: [
      { shape: ['B', 3, 'T'], dtype: 'bool', values: coin },
      { shape: [3, 1], dtype: 'bool', values: coin },
    ],
    sizes: EDGE_SIZES,
    build: ([a, b]) => build(a!, b!),
    reference: ([a, b]) => elementwise(value, a!, b!),
  })
}
checkOp('Not', 'negates booleans', {
  inputs: [{ shape: ['B', 'T'], dtype: 'bool', values: coin }],
  sizes: EDGE_SIZES,
  build: ([a]) => logicalNot(a!),
  reference: ([a]) => elementwise((x) => 1 - x, a!),
})

const odd = [0, Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 1]
checkOp('IsNaN', 'finds what is not a number', {
  inputs: [{ shape: [5], values: (_, i) => odd[i]!, differentiable: false }],
  build: ([x]) => isNan(x!),
  reference: ([x]) => elementwise((v) => Number(Number.isNaN(v)), x!),
})
checkOp('IsInf', 'finds both infinities', {
  inputs: [{ shape: [5], values: (_, i) => odd[i]!, differentiable: false }],
  build: ([x]) => isInf(x!),
  reference: ([x]) => elementwise((v) => Number(Math.abs(v) === Number.POSITIVE_INFINITY), x!),
})

test('comparisons with NaN are false, even equality', async () => {
  const x = input('x', 'float32', [1])
  const found = await runOnce({ e: equal(x, x), g: greaterOrEqual(x, 0), l: lessOrEqual(x, 0) }, { x: [Number.NaN] })
  expect([found.e.data[0], found.g.data[0], found.l.data[0]]).toEqual([0, 0, 0])
})

test('And of numbers is an error', () => {
  expect(() => logicalAnd(constant(1), constant(1))).toThrow(ShapeError)
})
