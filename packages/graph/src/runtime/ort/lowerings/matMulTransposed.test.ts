import { expect, test } from 'vitest'
import { expectLoweringAgrees, lowered, uniform } from '../../../../test/loweringCheck.js'
import { typesIn } from '../../../../test/opCheck.js'
import { seededRandom } from '../../../../test/seededRandom.js'
import { apply1 } from '../../../op.js'
import { input } from '../../../ops/leaves.js'
import { matMul } from '../../../ops/matMul.js'
import { swapAxes, Transpose, transpose } from '../../../ops/transpose.js'

const random = seededRandom(1)

test.each([
  ['left', [3, 4], [3, 5], true, false],
  ['right', [4, 3], [5, 3], false, true],
  ['left and right', [3, 4], [5, 3], true, true],
  ['batched left', [2, 3, 4], [2, 3, 5], true, false],
  ['batched right', [2, 4, 3], [2, 5, 3], false, true],
  ['right, a matrix for a batch', [2, 4, 3], [5, 3], false, true],
  ['left, a batch for a matrix', [2, 3, 4], [3, 5], true, false],
  ['right, broadcast batches', [2, 1, 4, 3], [3, 5, 3], false, true],
] as const)('a transposed operand (%s) is read in place and agrees', async (_, a, b, transA, transB) => {
  const [left, right] = [input('a', 'float32', a), input('b', 'float32', b)]
  const y = matMul(transA ? swapAxes(left, -1, -2) : left, transB ? swapAxes(right, -1, -2) : right)
  const types = typesIn(lowered([y]))
  expect(types).toContain('FusedMatMul')
  expect(types).not.toContain('Transpose')
  await expectLoweringAgrees({ y }, [{ a: uniform(a, random), b: uniform(b, random) }])
})

test('a weight on the left of a batch is transposed once', async () => {
  const [w, x] = [input('w', 'float32', [3, 4]), input('x', 'float32', ['B', 3, 'T'])]
  const y = matMul(transpose(w, [1, 0]), x)
  expect(typesIn(lowered([y]))).toContain('Transpose')
  await expectLoweringAgrees({ y }, [{ w: uniform([3, 4], random), x: uniform([2, 3, 5], random) }])
})

test('a Transpose without perm, as an imported graph may have it, reverses the axes', async () => {
  const [a, b] = [input('a', 'float32', [4, 3]), input('b', 'float32', [4, 5])]
  const y = matMul(apply1(Transpose, [a]), b)
  expect(typesIn(lowered([y]))).toContain('FusedMatMul')
  await expectLoweringAgrees({ y }, [{ a: uniform([4, 3], random), b: uniform([4, 5], random) }])
})

test('other transpositions stay', () => {
  const [a, b] = [input('a', 'float32', [2, 3, 4]), input('b', 'float32', [4, 5])]
  expect(typesIn(lowered([matMul(transpose(a, [1, 0, 2]), b)]))).toContain('Transpose')
})
