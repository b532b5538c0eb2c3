import { erf, exp, log, sqrt } from '@nemo/graph'
import { checkKernel, SIZES } from '../../test/kernelCheck.js'

for (const [name, build] of Object.entries({ exp, log, sqrt, erf })) {
  checkKernel(`${name} and its gradient equal ONNX Runtime's`, {
    inputs: [{ shape: ['B', 'T'], values: [0.1, 4] }],
    sizes: SIZES,
    build: ([x]) => build(x!),
  })
}
