import * as graph from '@nemo/graph'
import { checkKernel, SIZES } from '../../test/kernelCheck.js'

const unary = {
  relu: graph.relu,
  leakyRelu: graph.leakyRelu,
  thresholdedRelu: graph.thresholdedRelu,
  elu: graph.elu,
  celu: graph.celu,
  selu: graph.selu,
  softplus: graph.softplus,
  softsign: graph.softsign,
  sigmoid: graph.sigmoid,
  hardSigmoid: graph.hardSigmoid,
  hardSwish: graph.hardSwish,
  tanh: graph.tanh,
  mish: graph.mish,
  swish: graph.swish,
  hardtanh: graph.hardtanh,
  gelu: graph.gelu,
  'gelu by tanh': (x: graph.Tensor) => graph.gelu(x, 'tanh'),
}
for (const [name, build] of Object.entries(unary)) {
  checkKernel(`${name} and its gradient equal ONNX Runtime's`, {
    inputs: [{ shape: ['B', 'T'], values: [-4, 4] }],
    sizes: SIZES,
    build: ([x]) => build(x!),
  })
}
checkKernel("prelu and its gradients equal ONNX Runtime's", {
  inputs: [{ shape: ['B', 3, 'T'] }, { shape: [3, 1] }],
  sizes: SIZES,
  build: ([x, slope]) => graph.prelu(x!, slope!),
})
