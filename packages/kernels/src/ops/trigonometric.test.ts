import * as graph from '@nemo/graph'
import { checkKernel, SIZES } from '../../test/kernelCheck.js'

for (const [name, build] of Object.entries({ sin: graph.sin, cos: graph.cos, atan: graph.atan })) {
  checkKernel(`${name} of angles up to several turns and its gradient equal ONNX Runtime's`, {
    inputs: [{ shape: ['B', 'T'], values: [-40, 40] }],
    sizes: SIZES,
    build: ([x]) => build(x!),
  })
}
for (const [name, build] of Object.entries({ tan: graph.tan, asin: graph.asin, acos: graph.acos })) {
  checkKernel(`${name} and its gradient equal ONNX Runtime's`, {
    inputs: [{ shape: ['B', 'T'], values: [-0.9, 0.9] }],
    sizes: SIZES,
    build: ([x]) => build(x!),
  })
}
