import { add, matMul, mul, scan, tanh } from '@nemo/graph'
import { checkKernel } from '../../test/kernelCheck.js'

for (const reverse of [false, true]) {
  checkKernel(`a recurrent loop ${reverse ? 'from the end ' : ''}and its gradients equal ONNX Runtime's`, {
    inputs: [{ shape: ['B', 3] }, { shape: ['T', 'B', 2] }, { shape: [2, 3] }, { shape: [3, 3], values: [-0.5, 0.5] }],
    sizes: [
      { B: 2, T: 5 },
      { B: 1, T: 1 },
      { B: 2, T: 9 },
    ],
    tolerance: [5e-5, 5e-5],
    build: ([start, sequence, input, recurrent]) => {
      const { states, rows } = scan({
        states: [start!],
        sequences: [sequence!],
        reverse,
        step: ([h], [x]) => {
          const next = tanh(add(matMul(x!, input!), matMul(h!, recurrent!)))
          return { states: [next], rows: [mul(next, h!)] }
        },
      })
      return [...states, ...rows]
    },
  })
}
checkKernel('states that trade places do so at once', {
  inputs: [{ shape: ['B'] }, { shape: ['B'] }, { shape: ['T', 'B'] }],
  sizes: [{ B: 2, T: 3 }],
  gradient: false,
  build: ([a, b, sequence]) =>
    scan({
      states: [a!, b!],
      sequences: [sequence!],
      step: ([p, q], [x]) => ({ states: [q!, p!], rows: [add(p!, x!)] }),
    }).states,
})
