import { expect, test } from 'vitest'
import { checkOp, EDGE_SIZES } from '../../test/opCheck.js'
import { array, at, type ReferenceArray } from '../../test/referenceArray.js'
import { ShapeError } from '../errors.js'
import { apply1 } from '../op.js'
import { constant, input } from './leaves.js'
import { type PadMode, pad, padConstant } from './pad.js'
import { ops } from './registry.js'

function padded(
  x: ReferenceArray,
  pads: readonly (readonly [number, number])[],
  mode: PadMode,
  value: number,
): ReferenceArray {
  const shape = x.shape.map((size, axis) => size + pads[axis]![0] + pads[axis]![1])
  return array(shape, (index) => {
    const source = index.map((i, axis) => i - pads[axis]![0])
    if (mode === 'constant' && source.some((i, axis) => i < 0 || i >= x.shape[axis]!)) return value
    return at(
      x,
      source.map((i, axis) => {
        const last = x.shape[axis]! - 1
        if (mode === 'edge') return Math.min(Math.max(i, 0), last)
        if (mode === 'wrap') return ((i % (last + 1)) + last + 1) % (last + 1)
        return i < 0 ? -i : i > last ? 2 * last - i : i
      }),
    )
  })
}

for (const value of [0, 2.5]) {
  checkOp('Pad', `with ${value} grows and crops`, {
    inputs: [{ shape: ['B', 3, 'T'] }],
    sizes: [
      { B: 2, T: 5 },
      { B: 0, T: 3 },
      { B: 1, T: 1 },
    ],
    dtypes: ['float32', 'float64'],
    secondOrder: true,
    build: ([x]) => [
      pad(
        x!,
        [
          [0, 0],
          [1, 2],
          [3, 0],
        ],
        'constant',
        value,
      ),
      pad(
        x!,
        [
          [0, 0],
          [-1, 1],
          [2, -1],
        ],
        'constant',
        value,
      ),
    ],
    reference: ([x]) => [
      padded(
        x!,
        [
          [0, 0],
          [1, 2],
          [3, 0],
        ],
        'constant',
        value,
      ),
      padded(
        x!,
        [
          [0, 0],
          [-1, 1],
          [2, -1],
        ],
        'constant',
        value,
      ),
    ],
  })
}
checkOp('Pad', 'grows an empty axis', {
  inputs: [{ shape: ['B', 'T'] }],
  sizes: EDGE_SIZES,
  build: ([x]) =>
    pad(x!, [
      [0, 0],
      [2, 1],
    ]),
  reference: ([x]) =>
    padded(
      x!,
      [
        [0, 0],
        [2, 1],
      ],
      'constant',
      0,
    ),
})
for (const mode of ['reflect', 'edge', 'wrap'] as const) {
  checkOp('Pad', `by ${mode} at one or both ends`, {
    inputs: [{ shape: ['B', 4, 'T'] }],
    sizes: [
      { B: 2, T: 5 },
      { B: 1, T: 4 },
    ],
    secondOrder: true,
    build: ([x]) => [
      pad(
        x!,
        [
          [0, 0],
          [0, 0],
          [3, 2],
        ],
        mode,
      ),
      pad(
        x!,
        [
          [0, 0],
          [1, 2],
          [2, 0],
        ],
        mode,
      ),
      pad(
        x!,
        [
          [0, 0],
          [0, 3],
          [0, 0],
        ],
        mode,
      ),
    ],
    reference: ([x]) => [
      padded(
        x!,
        [
          [0, 0],
          [0, 0],
          [3, 2],
        ],
        mode,
        0,
      ),
      padded(
        x!,
        [
          [0, 0],
          [1, 2],
          [2, 0],
        ],
        mode,
        0,
      ),
      padded(
        x!,
        [
          [0, 0],
          [0, 3],
          [0, 0],
        ],
        mode,
        0,
      ),
    ],
  })
}
checkOp('PadNamed', 'pads by amounts that are fed and names the result', {
  inputs: [
    { shape: ['B', 'T'] },
    { shape: [4], dtype: 'int64', values: (_, i) => [0, 2, 0, 1][i]! },
    { shape: ['B', 'N'], differentiable: false },
  ],
  sizes: EDGE_SIZES.map(({ B, T }) => ({ B: B!, T: T!, N: T! + 3 })),
  secondOrder: true,
  build: ([x, pads, like]) => padConstant(x!, pads!, like!.shape),
  reference: ([x]) =>
    padded(
      x!,
      [
        [0, 0],
        [2, 1],
      ],
      'constant',
      0,
    ),
})
checkOp('Pad', 'of some axes, with a value that has a gradient', {
  inputs: [{ shape: ['B', 3, 'T'] }, { shape: [] }],
  sizes: EDGE_SIZES,
  build: ([x, value]) => apply1(ops.Pad, [x!, constant([1, 2, 0, 3], 'int64'), value!, constant([-1, 1], 'int64')]),
  reference: ([x, value]) =>
    padded(
      x!,
      [
        [0, 0],
        [2, 3],
        [1, 0],
      ],
      'constant',
      value!.data[0]!,
    ),
})

test('the wrong number of pads is an error', () => {
  expect(() => pad(input('x', 'float32', [2, 3]), [[1, 1]])).toThrow(ShapeError)
})
test('cropping more than there is is an error', () => {
  expect(() => pad(input('x', 'float32', [2]), [[-2, -1]])).toThrow(ShapeError)
})
