// The public names of @nemo/graph, by what they are for.

// Tensors, dtypes and symbolic sizes

export {
  addDims,
  type Dim,
  evaluateDim,
  floorDivideDims,
  formatShape,
  isStatic,
  multiplyDims,
  type Shape,
  subtractDims,
} from './dim.js'
export {
  allocate,
  type DataOf,
  type DType,
  isFloat,
  type NestedArray,
  sizeOf,
  type TensorData,
  type TensorLike,
  type TypedArray,
  tensorData,
} from './dtype.js'
export { constant, full, input, isConstant, lift } from './ops/leaves.js'
export { Parameter, type ParameterRole, type ParameterStore, parameter } from './parameter.js'
export { currentScope, withScope } from './scope.js'
export { Node, Tensor } from './tensor.js'

// Gradients, programs and runtimes

export { type CompileOptions, compile, Program, type RunOptions } from './compile.js'
export { grad, vjp } from './grad.js'
export { type OrtOptions, ort } from './runtime/ort/ort.js'
export { type ProfileEvent, type TimeShare, type TimeShareOptions, timeShares } from './runtime/ort/profile.js'
export type { Executable, MemoryReport, Plan, Precision, Runtime } from './runtime/runtime.js'

// ONNX files

export { type ExportOnnxOptions, exportOnnx } from './onnx/exportOnnx.js'
export { type ImportPlace, OnnxImportError, OnnxUnsupportedError } from './onnx/import/errors.js'
export type { InitializerRole } from './onnx/import/graphImporter.js'
export { type ImportedModel, type ImportOnnxOptions, importOnnx } from './onnx/import/importOnnx.js'
export { OnnxFormatError } from './onnx/proto/errors.js'
export type { ReadExternalData } from './onnx/proto/tensor.js'

// Ops, element by element

export {
  celu,
  elu,
  gelu,
  hardSigmoid,
  hardSwish,
  hardtanh,
  heaviside,
  leakyRelu,
  mish,
  prelu,
  relu,
  selu,
  sigmoid,
  softplus,
  softsign,
  swish,
  tanh,
  thresholdedRelu,
} from './ops/activation.js'
export {
  abs,
  add,
  div,
  maximum,
  mean,
  minimum,
  mod,
  mul,
  neg,
  type Operand,
  pow,
  reciprocal,
  square,
  sub,
  sum,
} from './ops/arithmetic.js'
export { bitwiseAnd, bitwiseOr, bitwiseXor, shiftLeft, shiftRight } from './ops/bitwise.js'
export { cast, identity, stopGradient } from './ops/cast.js'
export { clip } from './ops/clip.js'
export {
  equal,
  greater,
  greaterOrEqual,
  isInf,
  isNan,
  less,
  lessOrEqual,
  logicalAnd,
  logicalNot,
  logicalOr,
  logicalXor,
} from './ops/comparison.js'
export { erf, exp, log, sqrt } from './ops/exponential.js'
export { ceil, floor, round, sign } from './ops/rounding.js'
export { acos, acosh, asin, asinh, atan, atanh, cos, cosh, sin, sinh, tan } from './ops/trigonometric.js'
export { where } from './ops/where.js'

// Ops over axes: sums, products of matrices, probabilities, order

export { cumSum } from './ops/cumSum.js'
export { einsum } from './ops/einsum.js'
export { clipByGlobalNorm, globalNorm } from './ops/globalNorm.js'
export { lengthMask, maskedMean } from './ops/lengthMask.js'
export { dot, gemm, linear, matMul } from './ops/matMul.js'
export {
  type Axes,
  argMax,
  argMin,
  reduceL1,
  reduceL2,
  reduceLogSum,
  reduceLogSumExp,
  reduceMax,
  reduceMean,
  reduceMin,
  reduceProd,
  reduceSum,
  reduceSumSquare,
  sizeOfTensor,
} from './ops/reduction.js'
export { logSoftmax, softmax } from './ops/softmax.js'
export { topK } from './ops/topK.js'

// Shapes: forming, joining, cutting, moving

export { concat, split } from './ops/concat.js'
export { depthToSpace, spaceToDepth } from './ops/depthToSpace.js'
export { expand, expandLike } from './ops/expand.js'
export { fill, fullLike, onesLike, range, zerosLike } from './ops/fill.js'
export { type PadMode, pad, padConstant } from './ops/pad.js'
export { flatten, reshape, reshapeLike, squeeze, unsqueeze } from './ops/reshape.js'
export { type CoordinateMode, type ResizeOptions, resize } from './ops/resize.js'
export { reverseSequence } from './ops/reverseSequence.js'
export { dimTensor, shapeOf, shapeTensor } from './ops/shape.js'
export { flip, narrow, type SliceBox, slice, takeFirst } from './ops/slice.js'
export { tile } from './ops/tile.js'
export { swapAxes, transpose } from './ops/transpose.js'
export { eyeLike, lowerTriangle, upperTriangle } from './ops/triangle.js'

// Indices

export { gather, gatherElements, gatherND } from './ops/gather.js'
export { nonZero } from './ops/nonZero.js'
export { oneHot } from './ops/oneHot.js'
export { type ScatterReduction, scatterElements, scatterND } from './ops/scatter.js'

// Neural network layers

export { batchNormInference, batchNormTraining, moments } from './ops/batchNormalization.js'
export { type ConvGeometry, type ConvOptions, conv, convGeometry, geometryOf } from './ops/conv.js'
export { type ConvTransposeOptions, convTranspose } from './ops/convTranspose.js'
export { groupNorm, instanceNorm } from './ops/instanceNormalization.js'
export { layerNorm } from './ops/layerNormalization.js'
export { lpNormalize } from './ops/lpNormalization.js'
export { averagePool, globalAveragePool, globalMaxPool, maxPool, type PoolOptions } from './ops/pooling.js'
export { gru, lstm, type RecurrentOptions, type RecurrentWeights } from './ops/recurrent.js'

// Loops

export { type ScanOptions, type ScanStep, scan } from './ops/scan.js'

// Signals and losses

export { type CTCLossInputs, ctcLoss } from './ops/ctcLoss.js'
export { type RNNTLossInputs, rnntLoss } from './ops/rnntLoss.js'
export { frames, powerSpectrum, type Spectrum, type STFTOptions, stft } from './ops/stft.js'

// Randomness, a function of (seed, step, place in the graph)

export {
  dropout,
  RANDOM_KEY,
  randomBits,
  randomIntegers,
  randomKey,
  randomNormal,
  randomUniform,
  withRandomStreams,
} from './ops/random.js'

// For executors, and for ops of one's own: definitions, and rewriting graphs

export { Body } from './body.js'
export {
  type AttributeKind,
  type AttributeSpec,
  type Attributes,
  type AttributeValue,
  applyOp,
  defineOp,
  type Gradient,
  type GradientContext,
  type InferContext,
  type NonDifferentiable,
  nonDifferentiable,
  type OpDefinition,
  type OpSource,
  stopsGradient,
} from './op.js'
export { type OpType, ops } from './ops/registry.js'
export { decompose } from './rewrite/decompose.js'
export { type Rebuild, type RewriteRule, rebuild } from './rewrite/rebuild.js'
export { combine, simplify } from './rewrite/simplify.js'
export type { OutputSpec } from './tensor.js'
export { topologicalOrder } from './traverse.js'

// Errors

export {
  AttributeError,
  CompileError,
  DTypeError,
  FeedError,
  GradientError,
  GraphError,
  RuntimeError,
  ShapeError,
} from './errors.js'
