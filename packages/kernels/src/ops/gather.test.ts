import { gather, gatherElements, oneHot, scatterElements } from '@nemo/graph'
import { checkKernel, SIZES } from '../../test/kernelCheck.js'

const indices = { dtype: 'int64', values: [-4, 4] } as const
for (const axis of [0, 1, 2]) {
  const shape = [
    ['T', 4, 'B'],
    ['B', 4, 'T'],
    ['B', 'T', 4],
  ][axis]!.map((dim) => dim)
  shape[axis] = 4
  checkKernel(`slices along axis ${axis} and their scattered gradient equal ONNX Runtime's`, {
    inputs: [{ shape }, { shape: ['B', 3], ...indices }],
    sizes: SIZES,
    build: ([x, i]) => gather(x!, i!, axis),
  })
}
checkKernel("single elements along an axis equal ONNX Runtime's", {
  inputs: [{ shape: ['B', 4, 'T'] }, { shape: ['B', 6, 'T'], ...indices }],
  sizes: SIZES,
  build: ([x, i]) => gatherElements(x!, i!, 1),
})
checkKernel('scattered updates replace and add', {
  inputs: [
    { shape: ['B', 9] },
    { shape: ['B', 5], dtype: 'int64', values: (_, at) => ((at % 5) * 4) % 9 },
    { shape: ['B', 5] },
  ],
  sizes: SIZES,
  build: ([x, i, u]) => [scatterElements(x!, i!, u!, 1), scatterElements(x!, i!, u!, 1, 'add')],
})
checkKernel('unit vectors stand on any axis', {
  inputs: [{ shape: ['B', 'T'], dtype: 'int64', values: [0, 5] }],
  sizes: SIZES,
  build: ([i]) => [oneHot(i!, 5), oneHot(i!, 6, 1)],
})
