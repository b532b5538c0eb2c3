import { abs, add, div, maximum, minimum, mod, mul, neg, pow, reciprocal, sub, sum } from '@nemo/graph'
import { checkKernel, SIZES } from '../../test/kernelCheck.js'

const binary = { add, sub, mul, div, maximum, minimum }
const shapes = [
  [
    ['B', 'T'],
    ['B', 'T'],
  ],
  [
    ['B', 3, 'T'],
    [3, 1],
  ],
  [['T'], ['B', 1]],
  [['B', 'T'], []],
] as const
for (const [name, op] of Object.entries(binary)) {
  for (const [a, b] of shapes) {
    checkKernel(`${name} of [${a}] and [${b}] and its gradients equal ONNX Runtime's`, {
      inputs: [{ shape: a }, { shape: b, values: [0.5, 2] }],
      sizes: SIZES,
      build: ([x, y]) => op(x!, y!),
    })
  }
}
checkKernel('element-wise chains with shared and broadcast parts fuse without changing', {
  inputs: [{ shape: ['B', 3, 'T'] }, { shape: [3, 1] }, { shape: ['T'] }],
  sizes: [...SIZES, { B: 0, T: 4 }],
  build: ([x, scale, row]) => {
    const h = add(mul(x!, scale!), row!)
    return sub(mul(h, h), div(neg(abs(h)), add(abs(row!), 1)))
  },
})
checkKernel("pow equals ONNX Runtime's for positive and negative bases", {
  inputs: [{ shape: ['B', 'T'], values: [-2, 2] }],
  sizes: SIZES,
  build: ([x]) => [pow(x!, 2), pow(x!, 3), pow(abs(x!), 0.5)],
  tolerance: [2e-5, 5e-5],
  gradient: false,
})
checkKernel('integers divide, multiply and take remainders as on the CPU', {
  inputs: [
    { shape: ['B', 'T'], dtype: 'int64', values: [-50, 50] },
    { shape: ['B', 'T'], dtype: 'int64', values: [1, 9] },
  ],
  sizes: SIZES,
  build: ([a, b]) => [div(a!, b!), mul(a!, b!), mod(a!, b!), sub(a!, b!)],
})
checkKernel("sums of many tensors and reciprocals equal ONNX Runtime's", {
  inputs: [{ shape: ['B', 'T'] }, { shape: ['T'] }, { shape: ['B', 1], values: [1, 2] }],
  sizes: SIZES,
  build: ([a, b, c]) => [sum([a!, b!, c!]), reciprocal(c!)],
})
