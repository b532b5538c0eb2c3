import { Einsum } from '../../../ops/einsum.js'
import { Gemm, MatMul } from '../../../ops/matMul.js'
import { direct, type RuleTable } from '../importRule.js'

/** Products of matrices. */
export const matMulRules: RuleTable = {
  Einsum: direct(Einsum, 12, [1, Number.POSITIVE_INFINITY], ['equation']),
  Gemm: direct(Gemm, 1, [2, 3]),
  MatMul: direct(MatMul, 1, 2),
}
