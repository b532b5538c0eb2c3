import { describe, expect, test } from 'vitest'
import { type CheckedInput, checkOp } from '../../test/opCheck.js'
import { at, indicesOf, type ReferenceArray } from '../../test/referenceArray.js'
import { GradientError, ShapeError } from '../errors.js'
import { grad } from '../grad.js'
import { constant, input } from './leaves.js'
import { reduceSum } from './reduction.js'
import { type ScatterReduction, scatterElements, scatterND } from './scatter.js'

const wrap = (i: number, size: number) => (i < 0 ? i + size : i)
const combine: Record<ScatterReduction, (old: number, update: number) => number> = {
  none: (_, update) => update,
  add: (old, update) => old + update,
  mul: (old, update) => old * update,
  max: Math.max,
  min: Math.min,
}

function scattered(
  x: ReferenceArray,
  updates: ReferenceArray,
  target: (index: readonly number[]) => readonly number[],
  reduction: ScatterReduction,
): ReferenceArray {
  const data = x.data.slice()
  const flat = (index: readonly number[]) =>
    index.reduce((n, i, axis) => n * x.shape[axis]! + wrap(i, x.shape[axis]!), 0)
  for (const index of indicesOf(updates.shape))
    data[flat(target(index))] = combine[reduction](data[flat(target(index))]!, at(updates, index))
  return { shape: x.shape, data }
}

// Without repetition, half of the indices written negative.
const distinct: CheckedInput['values'] = (_, i, { T }) => ((i % T!) % 2 === 0 ? i % T! : (i % T!) - 5)
for (const reduction of ['none', 'add'] as const) {
  checkOp('ScatterElements', `along the last axis by ${reduction}`, {
    inputs: [
      { shape: [2, 5] },
      { shape: [2, 'T'], dtype: 'int64', values: reduction === 'add' ? [-5, 5] : distinct },
      { shape: [2, 'T'] },
    ],
    sizes: [{ T: 3 }, { T: 0 }, { T: 1 }],
    dtypes: ['float32', 'float64'],
    secondOrder: true,
    build: ([x, i, u]) => scatterElements(x!, i!, u!, -1, reduction),
    reference: ([x, i, u]) => scattered(x!, u!, (index) => [index[0]!, at(i!, index)], reduction),
  })
  checkOp('ScatterElements', `along axis 0 by ${reduction}, into part of the other axis`, {
    inputs: [
      { shape: [5, 3] },
      { shape: ['T', 2], dtype: 'int64', values: (_, i) => Math.floor(i / 2) },
      { shape: ['T', 2] },
    ],
    sizes: [{ T: 3 }, { T: 0 }, { T: 1 }],
    secondOrder: true,
    build: ([x, i, u]) => scatterElements(x!, i!, u!, 0, reduction),
    reference: ([x, i, u]) => scattered(x!, u!, (index) => [at(i!, index), index[1]!], reduction),
  })
  checkOp('ScatterND', `by ${reduction} puts slices at index tuples`, {
    inputs: [
      { shape: [5, 3, 2] },
      { shape: ['T', 1], dtype: 'int64', values: reduction === 'add' ? [-5, 5] : distinct },
      { shape: ['T', 3, 2] },
    ],
    sizes: [{ T: 3 }, { T: 0 }, { T: 1 }],
    dtypes: ['float32', 'float64'],
    secondOrder: true,
    build: ([x, i, u]) => scatterND(x!, i!, u!, reduction),
    reference: ([x, i, u]) => scattered(x!, u!, ([t, ...rest]) => [at(i!, [t!, 0]), ...rest], reduction),
  })
  checkOp('ScatterND', `by ${reduction} puts single elements`, {
    inputs: [
      { shape: [5, 3] },
      { shape: ['T', 2], dtype: 'int64', values: (_, i) => (i % 2 ? 1 : Math.floor(i / 2)) },
      { shape: ['T'] },
    ],
    sizes: [{ T: 3 }, { T: 0 }, { T: 1 }],
    build: ([x, i, u]) => scatterND(x!, i!, u!, reduction),
    reference: ([x, i, u]) => scattered(x!, u!, ([t]) => [at(i!, [t!, 0]), at(i!, [t!, 1])], reduction),
  })
}
for (const reduction of ['mul', 'max', 'min'] as const) {
  checkOp('ScatterElements', `by ${reduction}`, {
    inputs: [{ shape: [2, 5] }, { shape: [2, 4], dtype: 'int64', values: [0, 5] }, { shape: [2, 4] }],
    gradient: false,
    build: ([x, i, u]) => scatterElements(x!, i!, u!, 1, reduction),
    reference: ([x, i, u]) => scattered(x!, u!, (index) => [index[0]!, at(i!, index)], reduction),
  })
}

describe('errors', () => {
  const x = input('x', 'float32', [2, 3])

  test('a gradient through a maximum says that there is none', () => {
    const y = scatterElements(x, constant([[0]], 'int64'), constant([[1]]), 1, 'max')
    expect(() => grad(reduceSum(y), [x])).toThrow(GradientError)
  })
  test('ranks that differ', () => {
    expect(() => scatterElements(x, constant([0], 'int64'), constant([1]), 1)).toThrow(ShapeError)
  })
})
