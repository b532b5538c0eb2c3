import { concat, narrow, reshape, slice, split, tile, transpose, unsqueeze } from '@nemo/graph'
import { checkKernel, SIZES } from '../../test/kernelCheck.js'

checkKernel("boxes with steps and negative bounds equal ONNX Runtime's", {
  inputs: [{ shape: ['B', 8, 'T'] }],
  sizes: SIZES,
  build: ([x]) => [
    slice(x!, { axes: [1], starts: [1], ends: [7], steps: [2] }),
    slice(x!, { axes: [1], starts: [-1], ends: [Number.MIN_SAFE_INTEGER], steps: [-1] }),
    narrow(x!, 1, -3),
  ],
})
checkKernel('parts of a split are read in place', {
  inputs: [{ shape: ['B', 7, 'T'] }],
  sizes: SIZES,
  build: ([x]) => split(x!, [2, 4, 1], 1),
})
checkKernel('tensors join along any axis', {
  inputs: [{ shape: ['B', 2, 'T'] }, { shape: ['B', 3, 'T'] }],
  sizes: SIZES,
  build: ([a, b]) => [concat([a!, b!, a!], 1), concat([transpose(a!, [0, 2, 1]), transpose(b!, [0, 2, 1])], 2)],
})
checkKernel("reshaped, permuted and repeated tensors equal ONNX Runtime's", {
  inputs: [{ shape: ['B', 4, 'T'] }],
  sizes: SIZES,
  build: ([x]) => [
    reshape(transpose(x!, [0, 2, 1]), ['B', -1]),
    reshape(x!, ['B', 2, 2, 'T']),
    unsqueeze(x!, [0, 2]),
    tile(x!, [1, 2, 3]),
  ],
})
