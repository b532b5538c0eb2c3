import { expect, test } from 'vitest'
import { lowered } from '../../test/loweringCheck.js'
import { add } from '../ops/arithmetic.js'
import { cast } from '../ops/cast.js'
import { less } from '../ops/comparison.js'
import { range } from '../ops/fill.js'
import { input } from '../ops/leaves.js'
import { unsqueeze } from '../ops/reshape.js'
import { dimTensor } from '../ops/shape.js'
import type { Tensor } from '../tensor.js'

test('masks over one symbol are made once, from whichever tensors they were read', () => {
  const lengths = input('lengths', 'int64', ['B'])
  const mask = (x: Tensor) => cast(less(range(dimTensor(x.shape[1]!, [x])), unsqueeze(lengths, 1)), 'float32')
  const [x, y] = [input('x', 'float32', ['B', 'T']), input('y', 'float32', ['B', 'T'])]
  const [a, b] = lowered([mask(x), mask(y)])
  expect(a).toBe(b)
})

test('sizes of different symbols stay apart', () => {
  const size = (name: string) => dimTensor(name, [input('x', 'float32', ['B', 'T'])])
  const [a, b] = lowered([size('B'), size('T')])
  expect(a).not.toBe(b)
  const [c, d] = lowered([add(size('B'), 1), add(size('T'), 1)])
  expect(c).not.toBe(d)
})
