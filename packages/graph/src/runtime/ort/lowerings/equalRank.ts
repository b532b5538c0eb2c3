import { applyOp } from '../../../op.js'
import { Add, Div, Max, Min, Mod, Mul, Pow, Sub } from '../../../ops/arithmetic.js'
import { Equal, Greater, GreaterOrEqual, Less, LessOrEqual } from '../../../ops/comparison.js'
import { unsqueeze } from '../../../ops/reshape.js'
import { Where } from '../../../ops/where.js'
import type { RewriteRule } from '../../../rewrite/rebuild.js'

const broadcasting = new Set([
  Add,
  Div,
  Equal,
  Greater,
  GreaterOrEqual,
  Less,
  LessOrEqual,
  Max,
  Min,
  Mod,
  Mul,
  Pow,
  Sub,
  Where,
])

/**
 * Spells the leading axes of size 1 out where the last axis has size 1 too: ONNX Runtime takes `[512, 512, 1] * [1, 1, 1]`
 * for the product with a scalar that it is, but `[512, 512, 1] * []` for 262144 rows (0.1 against 1.3 ms).
 */
export const equalRank: RewriteRule = (node, inputs) => {
  const y = node.outputs[0]!
  if (!broadcasting.has(node.op) || y.rank < 2 || y.dim(-1) !== 1) return undefined
  if (inputs.every((input) => input?.rank === y.rank)) return undefined
  const equal = inputs.map((input) => {
    if (!input || input.rank === y.rank) return input
    return unsqueeze(
      input,
      Array.from({ length: y.rank - input.rank }, (_, axis) => axis),
    )
  })
  return applyOp(node.op, equal, node.attributes)
}
