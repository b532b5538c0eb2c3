import { gemm, matMul, relu, swapAxes, transpose } from '@nemo/graph'
import { checkKernel, SIZES } from '../../test/kernelCheck.js'

const operands = [
  [
    [4, 3],
    [3, 2],
  ],
  [
    ['B', 'T', 3],
    [3, 4],
  ],
  [
    ['B', 'T', 3],
    ['B', 3, 'T'],
  ],
  [
    ['B', 2, 'T', 3],
    [2, 3, 4],
  ],
  [
    [2, 1, 4, 3],
    ['B', 1, 3, 'T'],
  ],
  [
    ['B', 'T'],
    ['T', 2],
  ],
  [['T'], ['T']],
  [['T'], ['B', 'T', 2]],
  [['B', 2, 'T'], ['T']],
] as const
for (const [a, b] of operands) {
  checkKernel(`the product of [${a}] and [${b}] and its gradients equal ONNX Runtime's`, {
    inputs: [{ shape: a }, { shape: b }],
    sizes:
      a[0] === 2
        ? [
            { B: 2, T: 5 },
            { B: 2, T: 17 },
          ]
        : SIZES,
    build: ([x, y]) => matMul(x!, y!),
    tolerance: [5e-5, 5e-5],
  })
}
checkKernel("products larger than a tile equal ONNX Runtime's", {
  inputs: [{ shape: [70, 'T'] }, { shape: ['T', 81] }],
  sizes: [{ T: 33 }],
  build: ([x, y]) => matMul(x!, y!),
  tolerance: [1e-4, 1e-4],
})
checkKernel('transposed operands are read in place', {
  inputs: [{ shape: ['B', 3, 'T'] }, { shape: [5, 3] }],
  sizes: SIZES,
  build: ([x, w]) => matMul(swapAxes(relu(x!), 1, 2), transpose(w!, [1, 0])),
  tolerance: [5e-5, 5e-5],
})
for (const transA of [false, true]) {
  checkKernel(`gemm with transA ${transA} and a broadcast C equals ONNX Runtime's`, {
    inputs: [{ shape: transA ? [3, 'T'] : ['T', 3] }, { shape: transA ? [2, 3] : [3, 2] }, { shape: [2] }],
    sizes: [{ T: 4 }, { T: 1 }],
    build: ([a, b, c]) => gemm(a!, b!, c!, { transA, transB: transA, alpha: 0.5, beta: 2 }),
  })
}
