import { batchNormInference, batchNormTraining, relu } from '@nemo/graph'
import { checkKernel } from '../../test/kernelCheck.js'

const sizes = [
  { B: 2, T: 9 },
  { B: 3, T: 70 },
]
checkKernel("batch normalisation by the batch, its statistics and gradients equal ONNX Runtime's", {
  inputs: [{ shape: ['B', 3, 'T'] }, { shape: [3] }, { shape: [3] }],
  sizes,
  tolerance: [5e-5, 5e-5],
  build: ([x, scale, bias]) => {
    const { y, mean, variance } = batchNormTraining(x!, scale!, bias!, 1e-3)
    return [relu(y), mean, variance]
  },
})
checkKernel("batch normalisation by given statistics and its gradients equal ONNX Runtime's", {
  inputs: [{ shape: ['B', 3, 'T'] }, { shape: [3] }, { shape: [3] }, { shape: [3] }, { shape: [3], values: [0.5, 2] }],
  sizes,
  tolerance: [5e-5, 5e-5],
  build: ([x, scale, bias, mean, variance]) => batchNormInference(x!, scale!, bias!, mean!, variance!, 1e-5),
})
