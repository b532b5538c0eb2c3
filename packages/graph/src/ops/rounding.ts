import { apply1, defineOp, type OpDefinition, stopsGradient } from '../op.js'
import type { Tensor } from '../tensor.js'

function step(type: string, since: number): OpDefinition {
  return defineOp({
    type,
    since,
    infer: (context) => [{ dtype: context.input(0).dtype, shape: context.input(0).shape }],
    grad: stopsGradient('piecewise constant'),
  })
}

/** Largest whole number not above x. ONNX Floor-13. */
export const Floor = step('Floor', 13)
/** Smallest whole number not below x. ONNX Ceil-13. */
export const Ceil = step('Ceil', 13)
/** Nearest whole number, halves to even. ONNX Round-11. */
export const Round = step('Round', 11)
/** -1, 0 or 1. ONNX Sign-13. */
export const Sign = step('Sign', 13)

/** Largest whole number not above x */
export const floor = (x: Tensor): Tensor => apply1(Floor, [x])
/** Smallest whole number not below x */
export const ceil = (x: Tensor): Tensor => apply1(Ceil, [x])
/** Nearest whole number, halves to even */
export const round = (x: Tensor): Tensor => apply1(Round, [x])
/** -1, 0 or 1 */
export const sign = (x: Tensor): Tensor => apply1(Sign, [x])
