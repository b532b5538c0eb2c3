import { describe, expect, test } from 'vitest'
import { checkOp, EDGE_SIZES } from '../../test/opCheck.js'
import { array, at, type ReferenceArray } from '../../test/referenceArray.js'
import { ShapeError } from '../errors.js'
import { input } from './leaves.js'
import { flip, narrow, type SliceBox, slice } from './slice.js'

// Python's indices(start, stop, step) for one axis.
function positions(size: number, start: number, end: number, step: number): number[] {
  const clamp = (i: number, low: number, high: number) => Math.min(Math.max(i < 0 ? i + size : i, low), high)
  const [from, to] =
    step > 0 ? [clamp(start, 0, size), clamp(end, 0, size)] : [clamp(start, -1, size - 1), clamp(end, -1, size - 1)]
  const list: number[] = []
  for (let i = from; step > 0 ? i < to : i > to; i += step) list.push(i)
  return list
}

function cut(x: ReferenceArray, { axes, starts, ends, steps }: SliceBox): ReferenceArray {
  const picks = x.shape.map((size) => Array.from({ length: size }, (_, i) => i))
  axes.forEach((axis, i) => {
    const along = axis < 0 ? axis + x.shape.length : axis
    picks[along] = positions(x.shape[along]!, starts[i]!, ends[i]!, steps?.[i] ?? 1)
  })
  return array(
    picks.map((list) => list.length),
    (index) =>
      at(
        x,
        index.map((i, axis) => picks[axis]![i]!),
      ),
  )
}

const END = Number.MAX_SAFE_INTEGER
const BEFORE_START = Number.MIN_SAFE_INTEGER
const boxes: readonly (SliceBox & { readonly title: string; readonly secondOrder?: boolean })[] = [
  { title: 'the front', axes: [1], starts: [0], ends: [4] },
  { title: 'all but the last', axes: [2], starts: [0], ends: [-1] },
  { title: 'all but the first two', axes: [-1], starts: [2], ends: [END] },
  { title: 'the last two', axes: [2], starts: [-2], ends: [END] },
  { title: 'two axes', axes: [1, 2], starts: [1, 1], ends: [3, -1] },
  { title: 'every other element', axes: [1], starts: [1], ends: [END], steps: [2] },
  { title: 'every third of a symbolic axis', axes: [2], starts: [0], ends: [END], steps: [3] },
  { title: 'every other of two axes', axes: [2, 1], starts: [1, 0], ends: [END, 5], steps: [2, 2] },
  { title: 'an axis reversed', axes: [1], starts: [-1], ends: [BEFORE_START], steps: [-1] },
  { title: 'a symbolic axis reversed', axes: [2], starts: [-1], ends: [BEFORE_START], steps: [-1] },
  { title: 'backwards in steps', axes: [1], starts: [4], ends: [0], steps: [-2] },
  { title: 'backwards from the end', axes: [2, 1], starts: [-1, -2], ends: [BEFORE_START, 0], steps: [-1, -1] },
  { title: 'nothing', axes: [1], starts: [3], ends: [3] },
]
for (const { title, ...box } of boxes) {
  checkOp('Slice', `cuts ${title}`, {
    inputs: [{ shape: ['B', 6, 'T'] }],
    // Symbolic sizes are promised only for axes long enough for the box.
    sizes: [
      { B: 2, T: 5 },
      { B: 0, T: 4 },
      { B: 1, T: 2 },
      { B: 1, T: 7 },
    ],
    dtypes: ['float32', 'float64'],
    secondOrder: true,
    build: ([x]) => slice(x!, box),
    reference: ([x]) => cut(x!, box),
  })
}
checkOp('Slice', 'clamps what lies outside', {
  inputs: [{ shape: [3, 4] }],
  build: ([x]) => [slice(x!, { axes: [0, 1], starts: [-9, 2], ends: [9, 99] }), narrow(x!, 1, 7)],
  reference: ([x]) => [cut(x!, { axes: [0, 1], starts: [-9, 2], ends: [9, 99] }), array([3, 0], () => 0)],
})
checkOp('Slice', 'narrows an axis', {
  inputs: [{ shape: ['B', 'T'] }],
  sizes: EDGE_SIZES.filter(({ T }) => T! > 0),
  build: ([x]) => [narrow(x!, 1, 1), narrow(x!, -1, 0, 1)],
  reference: ([x]) => [
    cut(x!, { axes: [1], starts: [1], ends: [END] }),
    cut(x!, { axes: [1], starts: [0], ends: [1] }),
  ],
})

checkOp('Slice', 'flips axes', {
  inputs: [{ shape: ['B', 'T'] }],
  sizes: EDGE_SIZES,
  build: ([x]) => [flip(x!, [1]), flip(x!, [0, -1])],
  reference: ([x]) => {
    const [rows, columns] = x!.shape as [number, number]
    return [
      array([rows, columns], ([b, t]) => at(x!, [b!, columns - 1 - t!])),
      array([rows, columns], ([b, t]) => at(x!, [rows - 1 - b!, columns - 1 - t!])),
    ]
  },
})

describe('promised shapes', () => {
  const x = input('x', 'float32', ['B', 'T'])

  test('stay named where only the ends are cut', () => {
    expect(narrow(x, 1, 2).shape).toEqual(['B', 'T-2'])
    expect(narrow(x, 1, 1, -1).shape).toEqual(['B', 'T-2'])
    expect(narrow(x, 1, -3).shape).toEqual(['B', 3])
  })

  test('an axis outside the rank is an error', () => {
    expect(() => narrow(x, 2, 0)).toThrow(ShapeError)
  })
})
