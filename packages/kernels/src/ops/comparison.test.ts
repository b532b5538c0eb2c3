import * as graph from '@nemo/graph'
import { checkKernel, SIZES } from '../../test/kernelCheck.js'

checkKernel("comparisons, logic and choices equal ONNX Runtime's", {
  inputs: [{ shape: ['B', 'T'] }, { shape: ['T'] }],
  sizes: SIZES,
  build: ([a, b]) => {
    const [more, less] = [graph.greater(a!, b!), graph.lessOrEqual(a!, 0.5)]
    return [
      more,
      graph.logicalAnd(more, less),
      graph.logicalOr(more, graph.logicalNot(less)),
      graph.logicalXor(more, less),
      graph.equal(a!, a!),
      graph.where(more, a!, b!),
      graph.clip(a!, -0.5, 0.75),
    ]
  },
})
checkKernel("casts, roundings and signs equal ONNX Runtime's", {
  inputs: [{ shape: ['B', 'T'], values: [-5, 5] }],
  sizes: SIZES,
  gradient: false,
  build: ([x]) => [
    graph.cast(x!, 'int64'),
    graph.cast(graph.cast(x!, 'bool'), 'float32'),
    graph.floor(x!),
    graph.ceil(x!),
    graph.round(graph.mul(x!, 2)),
    graph.sign(x!),
  ],
})
