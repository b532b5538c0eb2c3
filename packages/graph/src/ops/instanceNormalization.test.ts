import { expect, test } from 'vitest'
import { normalized } from '../../test/normalization.js'
import { checkOp } from '../../test/opCheck.js'
import { elementwise, type ReferenceArray, reshaped } from '../../test/referenceArray.js'
import { ShapeError } from '../errors.js'
import { groupNorm, instanceNorm } from './instanceNormalization.js'
import { input } from './leaves.js'

const EPSILON = 0.125
const column = (x: ReferenceArray, rank: number) => reshaped(x, [x.shape[0]!, ...new Array<number>(rank - 2).fill(1)])
const common = {
  sizes: [
    { B: 2, T: 5 },
    { B: 1, T: 1 },
  ],
  secondOrder: true,
  gradientTolerance: { absolute: 1e-3, relative: 1e-3 },
} as const

for (const shape of [
  ['B', 4, 'T'],
  ['B', 4, 'T', 3],
]) {
  checkOp('InstanceNormalization', `of [${shape}]`, {
    ...common,
    inputs: [{ shape }, { shape: [4] }, { shape: [4] }],
    build: ([x, s, b]) => instanceNorm(x!, s!, b!, EPSILON),
    reference: ([x, s, b]) => {
      const axes = shape.slice(2).map((_, i) => i + 2)
      return elementwise(
        (n, g, o) => n * g + o,
        normalized(x!, axes, EPSILON),
        column(s!, shape.length),
        column(b!, shape.length),
      )
    },
  })
  checkOp('InstanceNormalization', `normalises groups of channels of [${shape}]`, {
    ...common,
    inputs: [{ shape }, { shape: [4] }, { shape: [4] }],
    build: ([x, s, b]) => groupNorm(x!, 2, s!, b!, EPSILON),
    reference: ([x, s, b]) => {
      const grouped = reshaped(x!, [x!.shape[0]!, 2, x!.data.length / x!.shape[0]! / 2])
      const normal = reshaped(normalized(grouped, [2], EPSILON), x!.shape)
      return elementwise((n, g, o) => n * g + o, normal, column(s!, shape.length), column(b!, shape.length))
    },
  })
}

test('channels that do not form the groups are an error', () => {
  const f = (shape: readonly number[]) => input('f', 'float32', shape)
  expect(() => groupNorm(f([2, 5, 3]), 2, f([5]), f([5]))).toThrow(ShapeError)
})
