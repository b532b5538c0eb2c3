import type { OpType, Tensor } from '@nemo/graph'
import * as graph from '@nemo/graph'
import type { CheckedInput, KernelCheck } from './runCheck.js'

/** How an op is tried on shapes with the symbols B and T, or why it is not. */
export type OpTrial =
  | (Omit<KernelCheck, 'sizes'> & {
      /** False where ONNX Runtime or the op itself has no answer for axes of size 0. Default true. */
      readonly empty?: boolean
    })
  | { readonly without: string }

const ROWS: CheckedInput = { shape: ['B', 'T'] }
const POSITIVE: CheckedInput = { shape: ['B', 'T'], values: [0.1, 4] }
const WHOLE: CheckedInput = { shape: ['B', 'T'], dtype: 'int64', values: [-9, 9] }
const WORDS: CheckedInput = { shape: ['B', 'T'], dtype: 'uint32', values: [0, 4000] }
const TRUTHS: CheckedInput = { shape: ['B', 'T'], dtype: 'bool', values: [0, 2] }
const SIGNAL: CheckedInput = { shape: ['B', 4, 'T'] }
const WIDE: CheckedInput = { shape: ['B', 2, 6, 'T'] }

const unary = (build: (x: Tensor) => Tensor | readonly Tensor[], x: CheckedInput = ROWS): OpTrial => ({
  inputs: [x],
  build: ([a]) => build(a!),
})
// With the second operand whole, a row, a column and a number.
const binary = (build: (a: Tensor, b: Tensor) => Tensor, a: CheckedInput = ROWS, b: CheckedInput = a): OpTrial => ({
  inputs: [a, b, { ...b, shape: ['T'] }, { ...b, shape: ['B', 1] }, { ...b, shape: [] }],
  build: ([x, ...others]) => others.map((y) => build(x!, y!)),
})
const fold = (build: (x: Tensor, axes?: number | readonly number[], keep?: boolean) => Tensor, x = ROWS): OpTrial => ({
  inputs: [{ ...x, shape: ['B', 3, 'T'] }],
  build: ([a]) => [build(a!), build(a!, 2), build(a!, [0, 2], true)],
  tolerance: [1e-4, 5e-5],
  empty: false,
})
const leaf = { without: 'a leaf: it has no kernel of its own, and every other check reads it' }

/** One trial for every op of the project; a forgotten op fails the compiler. */
export const everyOp: Readonly<Record<OpType, OpTrial>> = {
  Abs: unary(graph.abs),
  Acos: unary(graph.acos, { shape: ['B', 'T'], values: [-0.9, 0.9] }),
  Acosh: unary(graph.acosh, { shape: ['B', 'T'], values: [1.2, 9] }),
  Add: binary(graph.add),
  And: binary(graph.logicalAnd, TRUTHS),
  ArgMax: { ...unary((x) => [graph.argMax(x, 0), graph.argMax(x, 1)]), empty: false },
  ArgMin: { ...unary((x) => [graph.argMin(x, 0), graph.argMin(x, 1)]), empty: false },
  Asin: unary(graph.asin, { shape: ['B', 'T'], values: [-0.9, 0.9] }),
  Asinh: unary(graph.asinh),
  Atan: unary(graph.atan),
  Atanh: unary(graph.atanh, { shape: ['B', 'T'], values: [-0.9, 0.9] }),
  AveragePool: {
    ...unary((x) => graph.averagePool(x, { kernel: 3, strides: 2, pads: 1 }), SIGNAL),
    empty: false,
  },
  BatchNormalization: {
    inputs: [SIGNAL, { shape: [4] }, { shape: [4] }, { shape: [4] }, { shape: [4], values: [0.5, 2] }],
    build: ([x, scale, bias, mean, variance]) => [
      graph.batchNormTraining(x!, scale!, bias!, 1e-2).y,
      graph.batchNormInference(x!, scale!, bias!, mean!, variance!, 1e-3),
    ],
    tolerance: [2e-4, 2e-4],
    empty: false,
  },
  BitShift: unary((x) => [graph.shiftLeft(x, 3), graph.shiftRight(x, 5)], WORDS),
  BitwiseAnd: binary(graph.bitwiseAnd, WORDS),
  BitwiseOr: binary(graph.bitwiseOr, WORDS),
  BitwiseXor: binary(graph.bitwiseXor, WORDS),
  CTCLoss: {
    inputs: [
      { shape: ['B', 'T', 5] },
      { shape: ['B', 2], dtype: 'int64', values: [0, 4] },
      { shape: ['B'], dtype: 'int64', values: (_, __, { T }) => T! },
      { shape: ['B'], dtype: 'int64', values: [0, 3] },
    ],
    build: ([logits, targets, inputLengths, targetLengths]) =>
      graph.ctcLoss(
        {
          logProbs: graph.logSoftmax(logits!),
          targets: targets!,
          inputLengths: inputLengths!,
          targetLengths: targetLengths!,
        },
        { blank: 4, zeroInfinity: true },
      ),
    tolerance: [2e-4, 5e-5],
    empty: false,
  },
  Cast: unary((x) => [graph.cast(x, 'int64'), graph.cast(x, 'bool'), graph.cast(graph.cast(x, 'int32'), 'float32')]),
  Ceil: unary(graph.ceil),
  Celu: unary((x) => graph.celu(x)),
  Clip: unary((x) => [graph.clip(x, -1, 1), graph.clip(x, 0.5), graph.clip(x, undefined, 0.25)]),
  Concat: {
    inputs: [SIGNAL, { shape: ['B', 3, 'T'] }],
    build: ([a, b]) => [graph.concat([a!, b!, a!], 1), graph.concat([a!, a!], 2)],
  },
  Constant: leaf,
  ConstantOfShape: unary((x) => [graph.add(graph.zerosLike(x), x), graph.fullLike(x, 3)]),
  Conv: {
    inputs: [SIGNAL, { shape: [6, 2, 3] }, { shape: [6] }],
    build: ([x, w, b]) => graph.conv(x!, w!, b!, { group: 2, pads: 2, dilations: 2 }),
    tolerance: [1e-4, 5e-5],
    empty: false,
  },
  ConvInputGradient: {
    inputs: [SIGNAL, { shape: [3, 4, 4] }],
    build: ([x, w]) => {
      const y = graph.conv(x!, w!, undefined, { strides: 2, pads: 3 })
      return graph.grad(graph.reduceSum(graph.mul(y, y)), [x!])[0]!
    },
    gradient: false,
    tolerance: [5e-4, 1e-4],
    empty: false,
  },
  ConvTranspose: {
    inputs: [SIGNAL, { shape: [4, 3, 5] }, { shape: [3] }],
    build: ([x, w, b]) => graph.convTranspose(x!, w!, b!, { strides: 2, pads: 1 }),
    tolerance: [1e-4, 5e-5],
    empty: false,
  },
  ConvWeightGradient: {
    inputs: [SIGNAL, { shape: [4, 1, 3] }],
    build: ([x, w]) => {
      const y = graph.conv(x!, w!, undefined, { group: 4, pads: 1 })
      return graph.grad(graph.reduceSum(graph.mul(y, y)), [w!])[0]!
    },
    gradient: false,
    tolerance: [1e-3, 1e-4],
    empty: false,
  },
  Cos: unary(graph.cos),
  Cosh: unary(graph.cosh),
  CumSum: unary((x) => [graph.cumSum(x, 1), graph.cumSum(x, 0, { exclusive: true, reverse: true })]),
  DepthToSpace: unary((x) => graph.depthToSpace(x, 2), { shape: ['B', 8, 2, 'T'] }),
  Div: binary(graph.div, ROWS, POSITIVE),
  Dropout: unary((x) => graph.applyOp(graph.ops.Dropout, [x])[0]!),
  Einsum: { without: 'refused by name when a program is compiled' },
  Elu: unary((x) => graph.elu(x)),
  Equal: binary(graph.equal, WHOLE),
  Erf: unary(graph.erf),
  Exp: unary(graph.exp),
  Expand: {
    inputs: [{ shape: ['B', 1] }, { shape: ['T'] }],
    build: ([x, y]) => [graph.expand(x!, ['B', 'T'], [x!, y!]), graph.expand(y!, ['B', 'T'], [x!, y!])],
  },
  EyeLike: unary((x) => [graph.eyeLike(x), graph.eyeLike(x, 1)]),
  Flatten: unary((x) => [graph.flatten(x, 1), graph.flatten(x, 2)], SIGNAL),
  Floor: unary(graph.floor),
  Gather: {
    inputs: [SIGNAL, { shape: ['B', 3], dtype: 'int64', values: [-4, 4] }],
    build: ([x, i]) => graph.gather(x!, i!, 1),
  },
  GatherElements: {
    inputs: [SIGNAL, { shape: ['B', 2, 'T'], dtype: 'int64', values: [-4, 4] }],
    build: ([x, i]) => graph.gatherElements(x!, i!, 1),
  },
  GatherND: {
    inputs: [{ shape: [3, 4, 'T'] }, { shape: ['B', 2], dtype: 'int64', values: [0, 3] }],
    build: ([x, i]) => graph.gatherND(x!, i!),
  },
  Gelu: unary((x) => [graph.gelu(x), graph.gelu(x, 'tanh')]),
  Gemm: {
    inputs: [{ shape: ['T', 'B'] }, { shape: [3, 'T'] }, { shape: [3] }],
    build: ([a, b, c]) => graph.gemm(a!, b!, c!, { alpha: 0.5, beta: 2, transA: true, transB: true }),
    tolerance: [1e-4, 5e-5],
    empty: false,
  },
  GlobalAveragePool: { ...unary(graph.globalAveragePool, SIGNAL), empty: false },
  GlobalMaxPool: { ...unary(graph.globalMaxPool, SIGNAL), empty: false },
  Greater: binary(graph.greater),
  GreaterOrEqual: binary(graph.greaterOrEqual, WHOLE),
  HardSigmoid: unary((x) => graph.hardSigmoid(x)),
  HardSwish: unary(graph.hardSwish),
  Identity: unary((x) => [graph.identity(x), x]),
  Input: leaf,
  InstanceNormalization: {
    inputs: [SIGNAL, { shape: [4] }, { shape: [4] }],
    build: ([x, scale, bias]) => graph.instanceNorm(x!, scale!, bias!, 1e-2),
    tolerance: [2e-4, 2e-4],
    empty: false,
  },
  IsInf: unary((x) => graph.isInf(graph.div(x, graph.sub(x, x)))),
  IsNaN: unary((x) => graph.isNan(graph.sqrt(x))),
  LayerNormalization: {
    inputs: [{ shape: ['B', 'T', 5] }, { shape: [5] }, { shape: [5] }],
    build: ([x, scale, bias]) => graph.layerNorm(x!, scale!, bias!, { epsilon: 1e-2 }),
    tolerance: [2e-4, 2e-4],
    empty: false,
  },
  LeakyRelu: unary((x) => graph.leakyRelu(x)),
  Less: binary(graph.less),
  LessOrEqual: binary(graph.lessOrEqual, WHOLE),
  Log: unary(graph.log, POSITIVE),
  LogSoftmax: { ...unary((x) => [graph.logSoftmax(x, 1), graph.logSoftmax(x, 2)], SIGNAL), empty: false },
  LpNormalization: {
    ...unary((x) => [graph.lpNormalize(x, 1), graph.lpNormalize(x, 0, 1)], POSITIVE),
    tolerance: [1e-4, 1e-4],
    empty: false,
  } as OpTrial,
  MatMul: {
    inputs: [{ shape: ['B', 'T', 3] }, { shape: ['B', 3, 'T'] }],
    build: ([a, b]) => graph.matMul(a!, b!),
    tolerance: [2e-4, 5e-5],
    empty: false,
  },
  Max: binary(graph.maximum),
  MaxPool: { ...unary((x) => graph.maxPool(x, { kernel: 2, strides: 1, pads: 1 }), SIGNAL), empty: false },
  Mean: binary((a, b) => graph.applyOp(graph.ops.Mean, [a, b, a])[0]!),
  Min: binary(graph.minimum),
  Mish: unary(graph.mish),
  Mod: binary(
    graph.mod,
    { shape: ['B', 'T'], dtype: 'int64', values: [-20, 20] },
    {
      shape: ['B', 'T'],
      dtype: 'int64',
      values: [1, 7],
    },
  ),
  Mul: binary(graph.mul),
  Neg: unary(graph.neg),
  NonZero: { without: 'refused by name: the size of its result depends on data' },
  Not: unary(graph.logicalNot, TRUTHS),
  OneHot: unary((x) => [graph.oneHot(x, 5), graph.oneHot(x, 5, 0)], {
    shape: ['B', 'T'],
    dtype: 'int64',
    values: [0, 5],
  }),
  Or: binary(graph.logicalOr, TRUTHS),
  PRelu: { inputs: [SIGNAL, { shape: [4, 1] }], build: ([x, slope]) => graph.prelu(x!, slope!) },
  Pad: unary(
    (x) => [
      graph.pad(
        x,
        [
          [0, 1],
          [2, 0],
        ],
        'constant',
        0.5,
      ),
      graph.pad(x, [
        [0, 0],
        [-1, 2],
      ]),
    ],
    {
      shape: ['B', 3],
    },
  ),
  PadNamed: {
    inputs: [ROWS],
    build: ([x]) => {
      const missing = graph.maximum(graph.sub(9, graph.dimTensor('T', [x!])), 0)
      const pads = graph.concat([graph.constant([0, 0, 0], 'int64'), graph.reshape(missing, [1])], 0)
      return graph.reduceSum(graph.square(graph.padConstant(x!, pads, ['B', 'padded'])))
    },
    tolerance: [1e-4, 5e-5],
  },
  Parameter: leaf,
  Pow: binary(graph.pow, POSITIVE),
  RNNTLoss: {
    inputs: [
      { shape: ['B', 'T', 3, 4] },
      { shape: ['B', 2], dtype: 'int64', values: [0, 3] },
      { shape: ['B'], dtype: 'int64', values: (_, __, { T }) => T! },
      { shape: ['B'], dtype: 'int64', values: [1, 3] },
    ],
    build: ([logits, targets, inputLengths, targetLengths]) =>
      graph.rnntLoss(
        { logits: logits!, targets: targets!, inputLengths: inputLengths!, targetLengths: targetLengths! },
        { blank: 3 },
      ),
    tolerance: [5e-4, 1e-4],
    empty: false,
  },
  RandomBits: {
    ...unary((x) => graph.randomBits(['B', 'T'], [x])),
    gradient: false,
    tolerance: [0, 0],
    seed: 77,
  } as OpTrial,
  Range: unary((x) => graph.mul(graph.cast(graph.range(graph.dimTensor('T', [x])), 'float32'), x)),
  Reciprocal: unary(graph.reciprocal, POSITIVE),
  ReduceL1: fold(graph.reduceL1),
  ReduceL2: fold(graph.reduceL2, POSITIVE),
  ReduceLogSum: fold(graph.reduceLogSum, POSITIVE),
  ReduceLogSumExp: fold(graph.reduceLogSumExp),
  ReduceMax: fold(graph.reduceMax),
  ReduceMean: fold(graph.reduceMean),
  ReduceMin: fold(graph.reduceMin),
  ReduceProd: { ...fold(graph.reduceProd, { ...POSITIVE, values: [0.8, 1.2] }), tolerance: [1e-3, 1e-3] } as OpTrial,
  ReduceSum: fold(graph.reduceSum),
  ReduceSumSquare: fold(graph.reduceSumSquare),
  Relu: unary(graph.relu),
  Reshape: unary(
    (x) => [
      graph.reshape(x, ['B', 2, 2, 'T'], [x]),
      graph.mul(graph.reshape(graph.swapAxes(x, 1, 2), ['B', 'T', 2, 2], [x]), 2),
    ],
    SIGNAL,
  ),
  ReshapeNamed: {
    inputs: [{ shape: ['B', 'T', 2] }, { shape: ['N'] }],
    build: ([x, names]) => {
      const dims = { dims: ['N'] }
      const flat = graph.applyOp(graph.ops.ReshapeNamed, [x!, graph.constant([-1], 'int64')], dims)[0]!
      return graph.add(graph.reduceSum(graph.mul(flat, flat)), graph.reduceSum(names!))
    },
    tolerance: [1e-4, 1e-4],
  },
  Resize: { without: 'refused by name when a program is compiled' },
  ReverseSequence: {
    inputs: [
      { shape: ['B', 'T', 2] },
      { shape: ['B'], dtype: 'int64', values: (random, _, { T }) => 1 + random() * (T! - 1) },
    ],
    build: ([x, lengths]) => graph.reverseSequence(x!, lengths!),
    empty: false,
  },
  Round: unary(graph.round),
  Scan: {
    inputs: [{ shape: ['B'] }, { shape: ['T', 'B'] }],
    build: ([start, sequence]) => {
      const { states, rows } = graph.scan({
        states: [start!],
        sequences: [sequence!],
        step: ([h], [x]) => {
          const next = graph.tanh(graph.add(graph.mul(h!, 0.5), x!))
          return { states: [next], rows: [graph.mul(next, x!)] }
        },
      })
      return [...states, ...rows]
    },
    tolerance: [5e-5, 5e-5],
    empty: false,
  },
  ScatterElements: {
    inputs: [
      { shape: ['B', 9] },
      { shape: ['B', 4], dtype: 'int64', values: (_, at) => ((at % 4) * 2) % 9 },
      { shape: ['B', 4] },
    ],
    build: ([x, i, u]) => [graph.scatterElements(x!, i!, u!, 1), graph.scatterElements(x!, i!, u!, 1, 'add')],
  },
  ScatterND: {
    inputs: [{ shape: [7, 'T'] }, { shape: [3, 1], dtype: 'int64', values: (_, at) => at * 2 }, { shape: [3, 'T'] }],
    build: ([x, i, u]) => [graph.scatterND(x!, i!, u!), graph.scatterND(x!, i!, u!, 'add')],
  },
  Selu: unary(graph.selu),
  Shape: unary((x) => graph.shapeOf(x)),
  Sigmoid: unary(graph.sigmoid),
  Sign: unary(graph.sign),
  Sin: unary(graph.sin),
  Sinh: unary(graph.sinh),
  Size: unary((x) => graph.applyOp(graph.ops.Size, [x])[0]!),
  Slice: unary((x) => {
    const steps = graph.slice(x, { starts: [3, -1], ends: [0, -100], axes: [1, 2], steps: [-1, -2] })
    return [graph.reduceSum(graph.square(steps)), graph.narrow(x, 1, 1, 3)]
  }, SIGNAL),
  Softmax: { ...unary((x) => [graph.softmax(x, 1), graph.softmax(x, 2)], SIGNAL), empty: false },
  Softplus: unary(graph.softplus),
  Softsign: unary(graph.softsign),
  SpaceToDepth: unary((x) => graph.spaceToDepth(x, 2), { shape: ['B', 3, 4, 2] }),
  Split: unary((x) => graph.split(x, [1, 3], 1), SIGNAL),
  Sqrt: unary(graph.sqrt, POSITIVE),
  Squeeze: unary((x) => graph.squeeze(x, 1), { shape: ['B', 1, 'T'] }),
  StopGradient: unary((x) => graph.mul(graph.stopGradient(x), x)),
  Sub: binary(graph.sub),
  Sum: binary((a, b) => graph.sum([a, b, a])),
  Tan: unary(graph.tan, { shape: ['B', 'T'], values: [-1.2, 1.2] }),
  Tanh: unary(graph.tanh),
  ThresholdedRelu: unary((x) => graph.thresholdedRelu(x)),
  Tile: unary((x) => graph.tile(x, [2, 3])),
  TopK: {
    inputs: [{ shape: ['B', 7, 'T'] }],
    build: ([x]) => {
      const { values, indices } = graph.topK(x!, 3, { axis: 1 })
      return [values, indices, graph.topK(x!, 2, { axis: 1, largest: false }).values]
    },
    empty: false,
  },
  Transpose: unary((x) => graph.mul(graph.transpose(x, [2, 0, 3, 1]), 2), WIDE),
  Trilu: unary((x) => [graph.upperTriangle(x), graph.lowerTriangle(x, -1)]),
  Unsqueeze: unary((x) => graph.mul(graph.unsqueeze(x, [0, 2]), 2)),
  Where: { inputs: [TRUTHS, ROWS, { shape: ['T'] }], build: ([c, a, b]) => graph.where(c!, a!, b!) },
  Xor: binary(graph.logicalXor, TRUTHS),
}
