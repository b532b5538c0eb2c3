import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { dimExpression } from '../../test/dimExpression.js'
import { checkOp, EDGE_SIZES } from '../../test/opCheck.js'
import { arrayOf, scalar } from '../../test/referenceArray.js'
import { runOnce } from '../../test/runOnce.js'
import { addDims, floorDivideDims, multiplyDims, subtractDims } from '../dim.js'
import { ShapeError } from '../errors.js'
import { apply1 } from '../op.js'
import type { Tensor } from '../tensor.js'
import { mul } from './arithmetic.js'
import { input } from './leaves.js'
import { ops } from './registry.js'
import { dimTensor, shapeOf, shapeTensor } from './shape.js'

checkOp('Shape', 'gives all sizes or a part of them', {
  inputs: [{ shape: ['B', 3, 'T'], differentiable: false }],
  sizes: EDGE_SIZES,
  build: ([x]) => [
    apply1(ops.Shape, [x!]),
    apply1(ops.Shape, [x!], { start: 1 }),
    apply1(ops.Shape, [x!], { start: -2, end: -1 }),
    shapeOf(x!),
  ],
  reference: (_, { B, T }) => [
    arrayOf([3], [B!, 3, T!]),
    arrayOf([2], [3, T!]),
    arrayOf([1], [3]),
    arrayOf([3], [B!, 3, T!]),
  ],
})
checkOp('Size', 'of a scalar is 1', {
  inputs: [{ shape: [], differentiable: false }],
  build: ([x]) => apply1(ops.Size, [x!]),
  reference: () => scalar(1),
})

describe('sizes computed at run time', () => {
  const x = input('x', 'float32', ['B', 'T'])
  const [B, T] = ['B', 'T']
  const dims = {
    product: multiplyDims(B, T),
    polynomial: addDims(multiplyDims(3, multiplyDims(T, T)), subtractDims(B, 7)),
    frames: addDims(floorDivideDims(subtractDims(T, 5), 2), 1),
    nested: floorDivideDims(addDims(floorDivideDims(T, 3), B), 2),
    negative: multiplyDims(-2, B),
    bySymbol: floorDivideDims(addDims(T, 1), B),
  }

  test('equal the arithmetic, floors of negative numbers included', async () => {
    const tensors = Object.fromEntries(Object.entries(dims).map(([name, dim]) => [name, dimTensor(dim, [x])]))
    for (const [b, t] of [
      [2, 7],
      [3, 4],
      [1, 1],
      [4, 0],
      [1, 2],
    ] as const) {
      const found = await runOnce(tensors, { x: { dtype: 'float32', shape: [b, t], data: new Float32Array(b * t) } })
      const numbers = Object.fromEntries(Object.entries(found).map(([name, { data }]) => [name, Number(data[0])]))
      expect(numbers, `B ${b}, T ${t}`).toEqual({
        product: b * t,
        polynomial: 3 * t * t + b - 7,
        frames: Math.floor((t - 5) / 2) + 1,
        nested: Math.floor((Math.floor(t / 3) + b) / 2),
        negative: -2 * b + 0,
        bySymbol: Math.floor((t + 1) / b),
      })
    }
  })

  test('of any arithmetic equal its value', async () => {
    const y = input('y', 'float32', ['N'])
    const expressions = fc.sample(dimExpression, { seed: 3, numRuns: 60 })
    const tensors: Record<string, Tensor> = { xs: mul(x, 2), ys: mul(y, 2) }
    expressions.forEach(({ dim }, i) => {
      tensors[`d${i}`] = dimTensor(dim, [x, y])
    })
    for (const [b, t, n] of [
      [2, 7, 5],
      [1, 1, 3],
      [9, 4, 1],
    ] as const) {
      const sizes = new Map([
        ['B', b],
        ['T', t],
        ['N', n],
      ])
      const found = await runOnce(tensors, {
        x: { dtype: 'float32', shape: [b, t], data: new Float32Array(b * t) },
        y: new Float32Array(n),
      })
      expressions.forEach(({ dim, value }, i) => {
        expect(Number(found[`d${i}`]!.data[0]), `${dim}`).toBe(value(sizes) + 0)
      })
    }
  })

  test('a symbol that no tensor has is an error that lists the shapes at hand', () => {
    expect(() => dimTensor('Q', [x])).toThrow(ShapeError)
    expect(() => dimTensor('Q', [x])).toThrow('[B, T]')
    expect(() => shapeTensor(['B', 'Q'], [])).toThrow(ShapeError)
  })

  test('of quotients that only occur inside axes are found through these', async () => {
    // As in a strided convolution over frames, when the samples that they were counted from are out of sight.
    const frames = addDims(floorDivideDims('samples', 160), 1)
    const half = addDims(floorDivideDims(subtractDims(frames, 1), 2), 1)
    const sources = [input('a', 'float32', [frames]), input('b', 'float32', [half])]
    const difference = dimTensor(subtractDims(multiplyDims(2, half), frames), sources)
    const found = await runOnce({ difference }, { a: new Float32Array(7), b: new Float32Array(4) })
    expect(Number(found.difference.data[0])).toBe(1)
  })

  test('are found as an axis of their own before they are computed', () => {
    const frames = input('f', 'float32', [dims.frames])
    expect(dimTensor(dims.frames, [x, frames]).node.inputs[0]!.node.inputs[0]).toBe(frames)
  })
})
