import { apply1 } from '../../../op.js'
import { MatMul } from '../../../ops/matMul.js'
import { Transpose } from '../../../ops/transpose.js'
import type { RewriteRule } from '../../../rewrite/rebuild.js'
import type { Tensor } from '../../../tensor.js'
import { FusedMatMul } from '../contribOps.js'

/**
 * Products with a transposed operand read it in place instead of making its transpose first; but a matrix on the left of
 * a batch is read again for every item, across the cache lines, so that its transpose is worth making.
 */
export const matMulTransposed: RewriteRule = (node, inputs) => {
  if (node.op !== MatMul || node.outputs[0]!.dtype !== 'float32') return undefined
  const [a, b] = inputs as readonly [Tensor, Tensor]
  if (a.rank < 2 || b.rank < 2) return undefined
  const sourceA = a.rank === 2 && b.rank > 2 ? undefined : untransposed(a)
  const sourceB = untransposed(b)
  if (!sourceA && !sourceB) return undefined
  return [apply1(FusedMatMul, [sourceA ?? a, sourceB ?? b], { transA: sourceA ? 1 : 0, transB: sourceB ? 1 : 0 })]
}

// What a Transpose of the last two axes, and of no others, was made from.
function untransposed(x: Tensor): Tensor | undefined {
  if (x.node.op !== Transpose) return undefined
  const last = x.rank - 1
  // Without perm, ONNX reverses the axes.
  const perm = (x.node.attributes.perm as readonly number[] | undefined) ?? x.shape.map((_, i) => last - i)
  const swaps = perm.every((axis, i) => axis === (i === last ? last - 1 : i === last - 1 ? last : i))
  return swaps ? x.node.inputs[0]! : undefined
}
