import { describe, expect, test } from 'vitest'
import { checkOp, EDGE_SIZES } from '../../test/opCheck.js'
import { array, scalar } from '../../test/referenceArray.js'
import { runOnce } from '../../test/runOnce.js'
import { DTypeError, ShapeError } from '../errors.js'
import { add } from './arithmetic.js'
import { constant, full, input, isConstant, lift } from './leaves.js'

checkOp('Input', 'is what was fed', {
  inputs: [{ shape: ['B', 3, 'T'] }],
  sizes: EDGE_SIZES,
  dtypes: ['float32', 'float64'],
  build: ([x]) => x!,
  reference: ([x]) => x!,
})
checkOp('Constant', 'is what was written', {
  inputs: [{ shape: [], differentiable: false }],
  build: () => [
    constant([
      [1, 2],
      [3, 4],
    ]),
    constant(-0.5, 'float64'),
    constant([], 'int64'),
    full([2, 2], 3, 'int32'),
    constant(Float32Array.of(1, 2), 'float32', [2, 1]),
  ],
  reference: () => [
    array([2, 2], ([i, j]) => 2 * i! + j! + 1),
    scalar(-0.5),
    array([0], () => 0),
    array([2, 2], () => 3),
    array([2, 1], ([i]) => i! + 1),
  ],
})

describe('inputs', () => {
  test('have whole sizes or names', () => {
    expect(() => input('x', 'float32', [-1])).toThrow(ShapeError)
    expect(() => input('x', 'float32', [1.5])).toThrow('found 1.5')
  })

  test('of every dtype reach the program and come back', async () => {
    for (const dtype of [
      'float32',
      'float64',
      'int64',
      'int32',
      'int16',
      'int8',
      'uint64',
      'uint32',
      'uint16',
      'uint8',
      'bool',
    ] as const) {
      const x = input('x', dtype, ['N'])
      const { y } = await runOnce({ y: x }, { x: [1, 0, 1] })
      expect([y.dtype, [...y.data].map(Number)]).toEqual([dtype, [1, 0, 1]])
    }
  })

  test('of float16 are fed as raw bits', async () => {
    const x = input('x', 'float16', [2])
    const { y } = await runOnce({ y: add(x, x) }, { x: Uint16Array.of(0x3c00, 0xc000) })
    expect([y.dtype, [...y.data]]).toEqual(['float16', [0x4000, 0xc400]])
  })
})

describe('constants', () => {
  test('small int64 vectors are known while building', () => {
    expect(constant([2, 3], 'int64').known).toEqual([2, 3])
    expect(constant([2, 3], 'int32').known).toBeUndefined()
  })
  test('ragged lists are an error', () => {
    expect(() => constant([[1, 2], [3]])).toThrow(DTypeError)
  })
  test('are recognised by their value', () => {
    expect(isConstant(full([2], 3), 3)).toBe(true)
    expect(isConstant(constant([3, 4]), 3)).toBe(false)
    expect(isConstant(input('x', 'float32', []), 3)).toBe(false)
  })
  test('a number takes the dtype of its company', () => {
    expect(lift(2, 'float64').dtype).toBe('float64')
  })
})
