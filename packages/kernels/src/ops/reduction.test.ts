import {
  argMax,
  argMin,
  mul,
  reduceL2,
  reduceLogSumExp,
  reduceMax,
  reduceMean,
  reduceMin,
  reduceProd,
  reduceSum,
  reduceSumSquare,
} from '@nemo/graph'
import { checkKernel, SIZES } from '../../test/kernelCheck.js'

const reductions = { reduceSum, reduceMean, reduceMax, reduceMin, reduceL2, reduceLogSumExp, reduceSumSquare }
for (const [name, reduce] of Object.entries(reductions)) {
  for (const axes of [undefined, [0], [1], [2], [0, 2]]) {
    checkKernel(`${name} over ${axes ? `axes ${axes}` : 'all axes'} and its gradient equal ONNX Runtime's`, {
      inputs: [{ shape: ['B', 3, 'T'] }],
      sizes: SIZES,
      build: ([x]) => reduce(x!, axes),
      tolerance: [2e-5, 2e-5],
    })
  }
}
checkKernel('a product is summed without being stored, over rows longer than a workgroup', {
  inputs: [{ shape: ['B', 'T'] }, { shape: ['B', 'T'] }],
  sizes: [{ B: 2, T: 500 }],
  build: ([a, b]) => [reduceSum(mul(a!, b!), 1, true), reduceSum(mul(a!, b!))],
  tolerance: [1e-4, 1e-5],
})
checkKernel('very long sums take two passes', {
  inputs: [{ shape: ['T'] }],
  sizes: [{ T: 32768 }, { T: 9001 }],
  build: ([x]) => reduceSumSquare(x!),
  gradient: false,
})
checkKernel("products, positions of extremes and integer sums equal ONNX Runtime's", {
  inputs: [{ shape: ['B', 'T'] }, { shape: ['B', 'T'], dtype: 'int64', values: [-9, 9] }],
  sizes: [...SIZES.slice(0, 2), { B: 3, T: 12 }],
  build: ([x, n]) => [
    reduceProd(x!, 1),
    argMax(x!, 1),
    argMin(x!, 0, true),
    argMax(n!, 1),
    reduceSum(n!, 0),
    reduceMax(n!),
  ],
})
