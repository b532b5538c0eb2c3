import { checkOp, EDGE_SIZES } from '../../test/opCheck.js'
import { elementwise } from '../../test/referenceArray.js'
import type { Tensor } from '../tensor.js'
import type { OpType } from './registry.js'
import { ceil, floor, round, sign } from './rounding.js'

function halvesToEven(x: number): number {
  const below = Math.floor(x)
  if (x - below !== 0.5) return Math.round(x)
  return below % 2 === 0 ? below : below + 1
}

const cases: readonly (readonly [OpType, (x: Tensor) => Tensor, (x: number) => number])[] = [
  ['Floor', floor, Math.floor],
  ['Ceil', ceil, Math.ceil],
  ['Round', round, halvesToEven],
  ['Sign', sign, Math.sign],
]
for (const [type, build, value] of cases) {
  checkOp(type, 'has gradient 0', {
    inputs: [{ shape: ['B', 3, 'T'], values: (random) => Math.floor(random() * 8 - 4) + 0.2 }],
    sizes: EDGE_SIZES,
    dtypes: ['float32', 'float64'],
    build: ([x]) => build(x!),
    reference: ([x]) => elementwise(value, x!),
  })
  checkOp(type, 'is exact at halves, whole numbers and 0', {
    inputs: [{ shape: [11], values: (_, i) => i / 2 - 2.5, differentiable: false }],
    build: ([x]) => build(x!),
    reference: ([x]) => elementwise(value, x!),
  })
}
