import { sub } from '../../../ops/arithmetic.js'
import { cast } from '../../../ops/cast.js'
import { Einsum } from '../../../ops/einsum.js'
import { Gemm, MatMul, matMul } from '../../../ops/matMul.js'
import { reshapeTo } from '../../../ops/reshape.js'
import type { Tensor } from '../../../tensor.js'
import type { ImportedNode } from '../importedNode.js'
import { direct, type RuleTable, rule } from '../importRule.js'

// The zero point of a's rows is a column.
function shifted(node: ImportedNode, i: number, perRow: boolean): Tensor {
  const x = cast(node.input(i), 'int32')
  const zero = node.optional(i + 2)
  if (!zero) return x
  const aligned = perRow && zero.rank === 1 && zero.shape[0] !== 1 ? reshapeTo(zero, [zero.shape[0]!, 1], [zero]) : zero
  return sub(x, cast(aligned, 'int32'))
}

/** Products of matrices. */
export const matMulRules: RuleTable = {
  Einsum: direct(Einsum, 12, [1, Number.POSITIVE_INFINITY]),
  Gemm: direct(Gemm, 1, [2, 3]),
  MatMul: direct(MatMul, 1, 2),
  MatMulInteger: rule(10, [2, 4], (node) => matMul(shifted(node, 0, true), shifted(node, 1, false))),
}
