import { expect, test } from 'vitest'
import { checkOp, EDGE_SIZES } from '../../test/opCheck.js'
import { array, at } from '../../test/referenceArray.js'
import { runOnce } from '../../test/runOnce.js'
import { DTypeError } from '../errors.js'
import { input } from './leaves.js'
import { lengthMask, maskedMean } from './lengthMask.js'

const lengths = {
  shape: ['B'],
  dtype: 'int64',
  values: (random: () => number, _: number, { T }: Readonly<Record<string, number>>) => Math.floor(random() * (T! + 1)),
} as const

checkOp('Less', 'makes a mask of lengths', {
  inputs: [lengths, { shape: ['B', 'T', 2], differentiable: false }],
  sizes: EDGE_SIZES,
  build: ([l, x]) => lengthMask(l!, x!.shape[1]!, [x!]),
  reference: ([l], { B, T }) => array([B!, T!], ([b, t]) => Number(t! < at(l!, [b!]))),
})
checkOp('Where', 'makes a mean of what a mask shows', {
  inputs: [{ shape: ['B', 'T'] }, { shape: ['B', 'T'], dtype: 'bool', values: (random) => Number(random() < 0.5) }],
  sizes: EDGE_SIZES.filter(({ B, T }) => B! * T! > 0),
  secondOrder: true,
  build: ([x, mask]) => [maskedMean(x!, mask!), maskedMean(x!, mask!, 1)],
  reference: ([x, mask]) => {
    const mean = (pairs: readonly (readonly [number, number])[]) =>
      pairs.reduce((sum, [v, m]) => sum + v * m, 0) /
      Math.max(
        1,
        pairs.reduce((n, [, m]) => n + m, 0),
      )
    const pair = (b: number, t: number) => [at(x!, [b, t]), at(mask!, [b, t])] as const
    const [B, T] = x!.shape as [number, number]
    const row = (b: number) => Array.from({ length: T }, (_, t) => pair(b, t))
    return [
      array([], () => mean(Array.from({ length: B }, (_, b) => row(b)).flat())),
      array([B], ([b]) => mean(row(b!))),
    ]
  },
})

test('what the mask hides may be NaN', async () => {
  const x = input('x', 'float32', [1, 3])
  const { y } = await runOnce(
    { y: maskedMean(x, lengthMask(input('l', 'int64', [1]), 3)) },
    { x: [[1, 3, Number.NaN]], l: [2] },
  )
  expect(y.data[0]).toBe(2)
})

test('float lengths are an error', () => {
  expect(() => lengthMask(input('l', 'float32', ['B']), 3)).toThrow(DTypeError)
})
