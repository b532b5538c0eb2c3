import { type CheckedInput, checkOp, EDGE_SIZES } from '../../test/opCheck.js'
import { elementwise } from '../../test/referenceArray.js'
import type { Tensor } from '../tensor.js'
import { erf, exp, log, sqrt } from './exponential.js'
import type { OpType } from './registry.js'

// Series of the error function, good to 1e-15 on the tested range.
function errorFunction(x: number): number {
  let sum = x
  let term = x
  for (let n = 1; n < 100; n++) {
    term *= (-x * x) / n
    sum += term / (2 * n + 1)
  }
  return (2 / Math.sqrt(Math.PI)) * sum
}

const cases: readonly (readonly [OpType, (x: Tensor) => Tensor, (x: number) => number, CheckedInput['values']])[] = [
  ['Exp', exp, Math.exp, [-2, 2]],
  ['Log', log, Math.log, [0.3, 3]],
  ['Sqrt', sqrt, Math.sqrt, [0.3, 3]],
  ['Erf', erf, errorFunction, [-2, 2]],
]
for (const [type, build, value, values] of cases) {
  for (const shape of [['B', 3, 'T'], []]) {
    checkOp(type, `is element-wise on [${shape}]`, {
      inputs: [{ shape, ...(values && { values }) }],
      sizes: EDGE_SIZES,
      dtypes: type === 'Erf' ? ['float32'] : ['float32', 'float64'],
      secondOrder: true,
      gradientTolerance: { absolute: 1e-3, relative: 1e-4 },
      build: ([x]) => build(x!),
      reference: ([x]) => elementwise(value, x!),
    })
  }
}
