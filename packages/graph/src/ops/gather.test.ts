import { describe, expect, test } from 'vitest'
import { checkOp, EDGE_SIZES } from '../../test/opCheck.js'
import { array, at, type ReferenceArray } from '../../test/referenceArray.js'
import { DTypeError, ShapeError } from '../errors.js'
import { gather, gatherElements, gatherND } from './gather.js'
import { constant, input } from './leaves.js'

const wrap = (i: number, size: number) => (i < 0 ? i + size : i)

function gathered(x: ReferenceArray, indices: ReferenceArray, axis: number): ReferenceArray {
  const along = wrap(axis, x.shape.length)
  const shape = [...x.shape.slice(0, along), ...indices.shape, ...x.shape.slice(along + 1)]
  return array(shape, (index) => {
    const pick = at(indices, index.slice(along, along + indices.shape.length))
    return at(x, [...index.slice(0, along), wrap(pick, x.shape[along]!), ...index.slice(along + indices.shape.length)])
  })
}

for (const [axis, indexShape] of [
  [0, ['T']],
  [1, ['T', 2]],
  [-1, []],
  [1, [3]],
] as const) {
  checkOp('Gather', `picks along axis ${axis} by [${indexShape}], repeated and negative indices included`, {
    inputs: [{ shape: [4, 4, 4] }, { shape: indexShape, dtype: 'int64', values: [-4, 4] }],
    sizes: [{ T: 5 }, { T: 0 }, { T: 1 }],
    dtypes: ['float32', 'float64'],
    secondOrder: true,
    build: ([x, i]) => gather(x!, i!, axis),
    reference: ([x, i]) => gathered(x!, i!, axis),
  })
}
checkOp('Gather', 'picks rows of a symbolic batch', {
  inputs: [
    { shape: ['V', 3] },
    { shape: ['B', 'T'], dtype: 'int64', values: (random, _, { V }) => Math.floor(random() * V!) },
  ],
  sizes: EDGE_SIZES.map((sizes) => ({ ...sizes, V: 4 })),
  secondOrder: true,
  build: ([x, i]) => gather(x!, i!),
  reference: ([x, i]) => gathered(x!, i!, 0),
})
checkOp('Gather', 'takes int32 indices', {
  inputs: [{ shape: [4, 3] }, { shape: [2], dtype: 'int32', values: [0, 4] }],
  build: ([x, i]) => gather(x!, i!),
  reference: ([x, i]) => gathered(x!, i!, 0),
})

for (const axis of [0, 1, -1]) {
  checkOp('GatherElements', `along axis ${axis}, repeated and negative indices included`, {
    inputs: [
      { shape: [4, 4, 4] },
      { shape: axis === 0 ? ['T', 4, 4] : axis === 1 ? [4, 'T', 4] : [4, 4, 'T'], dtype: 'int64', values: [-4, 4] },
    ],
    sizes: [{ T: 6 }, { T: 0 }, { T: 1 }],
    secondOrder: true,
    build: ([x, i]) => gatherElements(x!, i!, axis),
    reference: ([x, i]) => array(i!.shape, (index) => at(x!, index.with(axis, wrap(at(i!, index), 4)))),
  })
}

for (const [shape, batchDims] of [
  [['T', 2], 0],
  [['T', 1], 0],
  [[3, 'T', 1], 1],
] as const) {
  checkOp('GatherND', `by index tuples [${shape}] with ${batchDims} batch axes`, {
    inputs: [{ shape: [3, 4, 2] }, { shape, dtype: 'int64', values: [-2, 2] }],
    sizes: [{ T: 5 }, { T: 0 }, { T: 1 }],
    secondOrder: true,
    build: ([x, i]) => gatherND(x!, i!, batchDims),
    reference: ([x, i]) => {
      const depth = i!.shape.at(-1)!
      const outer = i!.shape.slice(0, -1)
      return array([...outer, ...x!.shape.slice(batchDims + depth)], (index) => {
        const tuple = Array.from({ length: depth }, (_, k) => at(i!, [...index.slice(0, outer.length), k]))
        const place = [...index.slice(0, batchDims), ...tuple.map((v, k) => wrap(v, x!.shape[batchDims + k]!))]
        return at(x!, [...place, ...index.slice(outer.length)])
      })
    },
  })
}

describe('errors', () => {
  const x = input('x', 'float32', [2, 3])

  test('float indices', () => {
    expect(() => gather(x, constant([0]))).toThrow(DTypeError)
  })
  test('an axis outside the rank', () => {
    expect(() => gather(x, constant([0], 'int64'), 2)).toThrow(ShapeError)
  })
  test('index tuples longer than the rank', () => {
    expect(() => gatherND(x, constant([[0, 0, 0]], 'int64'))).toThrow(ShapeError)
  })
})
