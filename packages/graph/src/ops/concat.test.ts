import { describe, expect, test } from 'vitest'
import { checkOp, EDGE_SIZES } from '../../test/opCheck.js'
import { array, at, elementwise, type ReferenceArray } from '../../test/referenceArray.js'
import { runOnce } from '../../test/runOnce.js'
import { ShapeError } from '../errors.js'
import { grad } from '../grad.js'
import { mul, square } from './arithmetic.js'
import { concat, split } from './concat.js'
import { input } from './leaves.js'
import { reduceSum } from './reduction.js'

function joined(parts: readonly ReferenceArray[], axis: number): ReferenceArray {
  const along = axis < 0 ? axis + parts[0]!.shape.length : axis
  const shape = parts[0]!.shape.map((d, i) => (i === along ? parts.reduce((n, p) => n + p.shape[along]!, 0) : d))
  return array(shape, (index) => {
    let i = index[along]!
    const part = parts.find((p) => {
      if (i < p.shape[along]!) return true
      i -= p.shape[along]!
      return false
    })!
    return at(part, index.with(along, i))
  })
}

function parts(x: ReferenceArray, sizes: readonly number[], axis: number): ReferenceArray[] {
  const along = axis < 0 ? axis + x.shape.length : axis
  let start = 0
  return sizes.map((size) => {
    const from = start
    start += size
    return array(x.shape.with(along, size), (index) => at(x, index.with(along, from + index[along]!)))
  })
}

for (const axis of [1, -2]) {
  checkOp('Concat', `joins parts of different sizes along axis ${axis}`, {
    inputs: [{ shape: ['B', 3, 'T'] }, { shape: ['B', 1, 'T'] }, { shape: ['B', 'T', 'T'] }],
    sizes: EDGE_SIZES,
    dtypes: ['float32', 'float64'],
    build: (xs) => concat(xs, axis),
    reference: (xs) => joined(xs, axis),
  })
}
checkOp('Concat', 'joins a tensor with itself', {
  inputs: [{ shape: ['B', 'T'] }],
  sizes: EDGE_SIZES,
  secondOrder: true,
  build: ([x]) => square(concat([x!, x!], 0)),
  reference: ([x]) => elementwise((v) => v * v, joined([x!, x!], 0)),
})

for (const axis of [1, -2]) {
  checkOp('Split', `cuts into parts of given sizes along axis ${axis}`, {
    inputs: [{ shape: ['B', 6, 'T'] }],
    sizes: EDGE_SIZES,
    dtypes: ['float32', 'float64'],
    build: ([x]) => split(x!, [1, 2, 3], axis),
    reference: ([x]) => parts(x!, [1, 2, 3], axis),
  })
}
checkOp('Split', 'cuts into equal parts', {
  inputs: [{ shape: ['B', 6, 'T'] }],
  sizes: EDGE_SIZES,
  build: ([x]) => split(x!, 3, 1),
  reference: ([x]) => parts(x!, [2, 2, 2], 1),
})
checkOp('Split', 'cuts an uneven axis with the shorter part last', {
  inputs: [{ shape: ['B', 5] }],
  sizes: EDGE_SIZES,
  build: ([x]) => split(x!, 3, 1),
  reference: ([x]) => parts(x!, [2, 2, 1], 1),
})
checkOp('Split', 'allows empty parts', {
  inputs: [{ shape: ['B', 3] }],
  sizes: EDGE_SIZES,
  build: ([x]) => split(x!, [0, 3, 0], 1),
  reference: ([x]) => parts(x!, [0, 3, 0], 1),
})

describe('gradients and errors', () => {
  test('parts of a Split that nobody reads get gradient 0', async () => {
    const x = input('x', 'float32', ['B', 3])
    const [, middle] = split(x, [1, 1, 1], 1)
    const { g } = await runOnce({ g: grad(reduceSum(mul(middle!, 5)), [x])[0]! }, { x: [[1, 2, 3]] })
    expect([...g.data]).toEqual([0, 5, 0])
  })

  test('sizes that do not add up are an error', () => {
    expect(() => split(input('x', 'float32', [2, 5]), [2, 2], 1)).toThrow(ShapeError)
  })

  test('joining different ranks or sizes is an error', () => {
    const f = (shape: readonly number[]) => input('f', 'float32', shape)
    expect(() => concat([f([2, 3]), f([2])], 0)).toThrow(ShapeError)
    expect(() => concat([f([2, 3]), f([2, 4])], 0)).toThrow(ShapeError)
    expect(() => concat([f([2, 3]), f([1, 3])], 1)).toThrow(ShapeError)
  })
})
