import { broadcastShapes } from '../dim.js'
import { apply1, defineOp, type OpDefinition, sameDType, stopsGradient } from '../op.js'
import type { Tensor } from '../tensor.js'
import { lift } from './leaves.js'

function bitwise(type: string, since: number, attributes: OpDefinition['attributes'] = {}): OpDefinition {
  return defineOp({
    type,
    since,
    attributes,
    infer: (context) => [
      {
        dtype: sameDType(context, [0, 1]),
        shape: broadcastShapes([context.input(0).shape, context.input(1).shape], type),
      },
    ],
    grad: stopsGradient('made of integers'),
  })
}

/** Shifts unsigned integers `LEFT` or `RIGHT`. ONNX BitShift-11. */
export const BitShift = bitwise('BitShift', 11, { direction: { kind: 'string' } })
/** Bits set in both. ONNX BitwiseAnd-18. */
export const BitwiseAnd = bitwise('BitwiseAnd', 18)
/** Bits set in either. ONNX BitwiseOr-18. */
export const BitwiseOr = bitwise('BitwiseOr', 18)
/** Bits set in one of the two. ONNX BitwiseXor-18. */
export const BitwiseXor = bitwise('BitwiseXor', 18)

/** x >> bits, for unsigned integers */
export const shiftRight = (x: Tensor, bits: number): Tensor =>
  apply1(BitShift, [x, lift(bits, x.dtype)], { direction: 'RIGHT' })
/** x << bits, for unsigned integers */
export const shiftLeft = (x: Tensor, bits: number): Tensor =>
  apply1(BitShift, [x, lift(bits, x.dtype)], { direction: 'LEFT' })
/** Bits set in one of the two */
export const bitwiseXor = (a: Tensor, b: Tensor): Tensor => apply1(BitwiseXor, [a, b])
/** Bits set in either */
export const bitwiseOr = (a: Tensor, b: Tensor): Tensor => apply1(BitwiseOr, [a, b])
/** Bits set in both */
export const bitwiseAnd = (a: Tensor, b: Tensor): Tensor => apply1(BitwiseAnd, [a, b])
