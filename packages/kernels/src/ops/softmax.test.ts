import { add, logSoftmax, softmax } from '@nemo/graph'
import { checkKernel, SIZES } from '../../test/kernelCheck.js'

for (const [name, op] of Object.entries({ softmax, logSoftmax })) {
  for (const axis of [0, 1, -1]) {
    checkKernel(`${name} along axis ${axis} and its gradient equal ONNX Runtime's`, {
      inputs: [{ shape: ['B', 3, 'T'], values: [-20, 20] }],
      sizes: SIZES,
      build: ([x]) => op(add(x!, 1), axis),
    })
  }
}
