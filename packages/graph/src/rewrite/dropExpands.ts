import type { Shape } from '../dim.js'
import { applyOp } from '../op.js'
import { Add, Div, Max, Min, Mul, Pow, Sub } from '../ops/arithmetic.js'
import { Expand } from '../ops/expand.js'
import { isConstant } from '../ops/leaves.js'
import type { Tensor } from '../tensor.js'
import type { RewriteRule } from './rebuild.js'

const elementwise = new Set([Add, Div, Max, Min, Mul, Pow, Sub])

/**
 * Element-wise ops broadcast by themselves: an operand that was expanded to the other's shape is read unexpanded, and
 * factors of one are dropped. Values do not change.
 */
export const dropExpands: RewriteRule = (node, inputs) => {
  if (!elementwise.has(node.op) || inputs.length !== 2) return undefined
  const [a, b] = inputs as readonly [Tensor, Tensor]
  const shape = node.outputs[0]!.shape
  const [left, right] = [sameShape(b, shape) ? unexpanded(a) : a, sameShape(a, shape) ? unexpanded(b) : b]
  // One of the two must keep the full shape.
  const operands = left === a || right === b ? ([left, right] as const) : ([left, b] as const)
  const factor = node.op === Mul || node.op === Div
  if (factor && isConstant(operands[1], 1) && sameShape(operands[0], shape)) return [operands[0]]
  if (node.op === Mul && isConstant(operands[0], 1) && sameShape(operands[1], shape)) return [operands[1]]
  return operands[0] === a && operands[1] === b ? undefined : applyOp(node.op, operands, node.attributes)
}

const unexpanded = (x: Tensor): Tensor => (x.node.op === Expand ? x.node.inputs[0]! : x)

const sameShape = (x: Tensor, shape: Shape): boolean =>
  x.rank === shape.length && x.shape.every((dim, i) => dim === shape[i])
