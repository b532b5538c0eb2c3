import { checkOp, EDGE_SIZES } from '../../test/opCheck.js'
import { elementwise, scalar } from '../../test/referenceArray.js'
import { clipByGlobalNorm, globalNorm } from './globalNorm.js'

const inputs = [{ shape: ['B', 'T'] }, { shape: [3] }, { shape: [] }] as const

checkOp('ReduceSumSquare', 'makes the norm of several tensors', {
  inputs,
  sizes: EDGE_SIZES,
  secondOrder: true,
  gradientTolerance: { absolute: 1e-3, relative: 1e-3 },
  build: (xs) => globalNorm(xs),
  reference: (xs) => scalar(Math.hypot(...xs.flatMap((x) => [...x.data]))),
})
for (const limit of [1, 1e3]) {
  checkOp('ReduceSumSquare', `limits the norm of several tensors to ${limit}`, {
    inputs,
    sizes: EDGE_SIZES,
    build: (xs) => clipByGlobalNorm(xs, limit).gradients,
    reference: (xs) => {
      const norm = Math.hypot(...xs.flatMap((x) => [...x.data]))
      return xs.map((x) => elementwise((v) => v * Math.min(1, limit / (norm + 1e-6)), x))
    },
  })
}
