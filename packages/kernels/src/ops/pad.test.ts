import { cumSum, pad } from '@nemo/graph'
import { checkKernel } from '../../test/kernelCheck.js'

const sizes = [
  { B: 2, T: 5 },
  { B: 1, T: 4 },
  { B: 3, T: 40 },
]
for (const mode of ['constant', 'reflect', 'edge'] as const) {
  checkKernel(`padding in mode ${mode} and its gradient equal ONNX Runtime's`, {
    inputs: [{ shape: ['B', 3, 'T'] }],
    sizes,
    build: ([x]) =>
      pad(
        x!,
        [
          [0, 0],
          [1, 1],
          [2, 3],
        ],
        mode,
        mode === 'constant' ? 1.5 : 0,
      ),
  })
}
checkKernel('negative pads crop', {
  inputs: [{ shape: ['B', 'T'] }],
  sizes,
  build: ([x]) =>
    pad(x!, [
      [0, 1],
      [-1, -2],
    ]),
})
checkKernel('running sums go both ways, with and without their own element', {
  inputs: [{ shape: ['B', 3, 'T'] }],
  sizes,
  build: ([x]) => [cumSum(x!, 2), cumSum(x!, 1, { reverse: true }), cumSum(x!, 2, { exclusive: true })],
})
