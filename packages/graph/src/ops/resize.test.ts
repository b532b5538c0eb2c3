import { describe, expect, test } from 'vitest'
import { checkOp } from '../../test/opCheck.js'
import { array, at, type ReferenceArray } from '../../test/referenceArray.js'
import { GradientError, ShapeError } from '../errors.js'
import { grad } from '../grad.js'
import { apply1 } from '../op.js'
import { constant, input } from './leaves.js'
import { reduceSum } from './reduction.js'
import { ops } from './registry.js'
import { type CoordinateMode, resize } from './resize.js'

type Round = (x: number) => number

function coordinate(mode: CoordinateMode, i: number, scale: number, from: number, to: number): number {
  if (mode === 'asymmetric') return i / scale
  if (mode === 'align_corners') return to === 1 ? 0 : (i * (from - 1)) / (to - 1)
  if (mode === 'pytorch_half_pixel' && to === 1) return 0
  return (i + 0.5) / scale - 0.5
}

// Resizes the last axis.
function resized(x: ReferenceArray, to: number, mode: CoordinateMode, scale: number, round?: Round): ReferenceArray {
  const from = x.shape.at(-1)!
  const limit = (v: number) => Math.min(Math.max(v, 0), from - 1)
  return array([...x.shape.slice(0, -1), to], (index) => {
    const head = index.slice(0, -1)
    const place = coordinate(mode, index.at(-1)!, scale, from, to)
    if (round) return at(x, [...head, limit(round(place))])
    const low = Math.floor(limit(place))
    const share = limit(place) - low
    return (1 - share) * at(x, [...head, low]) + (share && share * at(x, [...head, low + 1]))
  })
}

const SIZES = [
  { B: 2, T: 3, N: 7 },
  { B: 1, T: 5, N: 2 },
  { B: 1, T: 1, N: 4 },
  { B: 2, T: 4, N: 4 },
]
for (const coordinates of ['asymmetric', 'half_pixel', 'align_corners'] as const) {
  checkOp('Resize', `to the length of another tensor, nearest by ${coordinates}`, {
    inputs: [{ shape: ['B', 2, 'T'] }, { shape: ['N'], differentiable: false }],
    sizes: SIZES,
    secondOrder: true,
    build: ([x, like]) => resize(x!, [x!.shape[0]!, 2, like!.shape[0]!], { coordinates }, [like!]),
    reference: ([x], { T, N }) => resized(x!, N!, coordinates, N! / T!, (v) => Math.floor(v + 1e-6)),
  })
}
for (const coordinates of ['asymmetric', 'half_pixel', 'pytorch_half_pixel', 'align_corners'] as const) {
  checkOp('Resize', `to the length of another tensor, linear by ${coordinates}`, {
    inputs: [{ shape: [1, 'B', 2, 'T'] }, { shape: ['N'], differentiable: false }],
    sizes: SIZES,
    secondOrder: true,
    build: ([x, like]) => resize(x!, [1, x!.shape[1]!, 2, like!.shape[0]!], { mode: 'linear', coordinates }, [like!]),
    reference: ([x], { T, N }) => resized(x!, N!, coordinates, N! / T!),
  })
}
const rounds: readonly (readonly [string, Round])[] = [
  ['floor', Math.floor],
  ['ceil', Math.ceil],
  ['round_prefer_floor', (v) => Math.ceil(v - 0.5)],
  ['round_prefer_ceil', (v) => Math.floor(v + 0.5)],
]
for (const [nearest_mode, round] of rounds) {
  checkOp('Resize', `by a factor, nearest by ${nearest_mode}`, {
    inputs: [{ shape: ['B', 2, 'T'] }],
    sizes: [
      { B: 2, T: 4 },
      { B: 1, T: 1 },
    ],
    build: ([x]) => apply1(ops.Resize, [x!, null, constant([1, 1, 3])], { nearest_mode }),
    reference: ([x], { T }) => resized(x!, 3 * T!, 'half_pixel', 3, round),
  })
}
checkOp('Resize', 'of two axes at once', {
  inputs: [{ shape: ['B', 1, 'T', 3] }],
  sizes: [{ B: 2, T: 2 }],
  build: ([x]) =>
    apply1(ops.Resize, [x!, null, constant([1, 1, 2, 2])], {
      coordinate_transformation_mode: 'asymmetric',
      nearest_mode: 'floor',
    }),
  reference: ([x], { B, T }) =>
    array([B!, 1, 2 * T!, 6], ([b, , i, j]) => at(x!, [b!, 0, Math.floor(i! / 2), Math.floor(j! / 2)])),
})

describe('details', () => {
  const x = input('x', 'float32', ['B', 2, 'T'])

  test('the same sizes are the tensor itself', () => {
    expect(resize(x, ['B', 2, 'T'])).toBe(x)
  })
  test('another rank is an error', () => {
    expect(() => resize(x, [1, 2])).toThrow(ShapeError)
  })
  test('cubic interpolation has no gradient and says so', () => {
    const y = apply1(ops.Resize, [x, null, constant([1, 1, 2])], { mode: 'cubic' })
    expect(() => grad(reduceSum(y), [x])).toThrow(GradientError)
  })
})
