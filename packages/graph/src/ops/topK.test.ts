import { expect, test } from 'vitest'
import { checkOp } from '../../test/opCheck.js'
import { array, at, type ReferenceArray } from '../../test/referenceArray.js'
import { ShapeError } from '../errors.js'
import { input } from './leaves.js'
import { topK } from './topK.js'

function best(x: ReferenceArray, k: number, axis: number, sign: number): ReferenceArray[] {
  const along = axis < 0 ? axis + x.shape.length : axis
  const order = (index: readonly number[]) =>
    Array.from({ length: x.shape[along]! }, (_, i) => i).sort(
      (a, b) => sign * (at(x, index.with(along, b)) - at(x, index.with(along, a))) || a - b,
    )
  const shape = x.shape.with(along, k)
  return [array(shape, (i) => at(x, i.with(along, order(i)[i[along]!]!))), array(shape, (i) => order(i)[i[along]!]!)]
}

for (const axis of [-1, 0, 1]) {
  for (const largest of [true, false]) {
    checkOp('TopK', `finds the 2 ${largest ? 'largest' : 'smallest'} along axis ${axis}`, {
      inputs: [{ shape: ['B', 3, 'T'] }],
      sizes: [
        { B: 2, T: 5 },
        { B: 4, T: 2 },
      ],
      secondOrder: true,
      build: ([x]) => {
        const { values, indices } = topK(x!, 2, { axis, largest })
        return [values, indices]
      },
      reference: ([x]) => best(x!, 2, axis, largest ? 1 : -1),
    })
  }
}
checkOp('TopK', 'takes k from a tensor, puts the first of equals first and allows 0', {
  inputs: [
    { shape: ['B', 'T'], values: (random) => Math.floor(random() * 2), differentiable: false },
    { shape: [1], dtype: 'int64', values: () => 3 },
  ],
  // No empty batch: ONNX Runtime's kernel divides by the number of rows and ends the process.
  sizes: [{ B: 2, T: 5 }],
  build: ([x, k]) => {
    const { values, indices } = topK(x!, k!)
    return [values, indices, topK(x!, 0).values]
  },
  reference: ([x]) => [...best(x!, 3, 1, 1), array([x!.shape[0]!, 0], () => 0)],
})

test('more than there are is an error', () => {
  expect(() => topK(input('x', 'float32', [2, 3]), 4)).toThrow(ShapeError)
})
