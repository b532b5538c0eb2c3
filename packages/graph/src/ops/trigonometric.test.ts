import { checkOp, EDGE_SIZES } from '../../test/opCheck.js'
import { elementwise } from '../../test/referenceArray.js'
import type { Tensor } from '../tensor.js'
import type { OpType } from './registry.js'
import { acos, acosh, asin, asinh, atan, atanh, cos, cosh, sin, sinh, tan } from './trigonometric.js'

const cases: readonly (readonly [OpType, (x: Tensor) => Tensor, (x: number) => number, readonly [number, number]])[] = [
  ['Sin', sin, Math.sin, [-4, 4]],
  ['Cos', cos, Math.cos, [-4, 4]],
  ['Tan', tan, Math.tan, [-1.2, 1.2]],
  ['Asin', asin, Math.asin, [-0.8, 0.8]],
  ['Acos', acos, Math.acos, [-0.8, 0.8]],
  ['Atan', atan, Math.atan, [-3, 3]],
  ['Sinh', sinh, Math.sinh, [-2, 2]],
  ['Cosh', cosh, Math.cosh, [-2, 2]],
  ['Asinh', asinh, Math.asinh, [-3, 3]],
  ['Acosh', acosh, Math.acosh, [1.5, 4]],
  ['Atanh', atanh, Math.atanh, [-0.8, 0.8]],
]
for (const [type, build, value, values] of cases) {
  for (const shape of [['B', 3, 'T'], []]) {
    checkOp(type, `is element-wise on [${shape}]`, {
      inputs: [{ shape, values }],
      sizes: EDGE_SIZES,
      secondOrder: true,
      gradientTolerance: { absolute: 1e-3, relative: 1e-4 },
      build: ([x]) => build(x!),
      reference: ([x]) => elementwise(value, x!),
    })
  }
}
