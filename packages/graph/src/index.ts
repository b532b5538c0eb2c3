// For executors: rewriting graphs, and looking into them.

export { Body } from './body.js'
export { type CompileOptions, compile, Program, type RunOptions } from './compile.js'
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
export { grad, vjp } from './grad.js'
export { type ExportOnnxOptions, exportOnnx } from './onnx/exportOnnx.js'
export { type ImportPlace, OnnxImportError, OnnxUnsupportedError } from './onnx/import/errors.js'
export type { InitializerRole } from './onnx/import/graphImporter.js'
export { type ImportedModel, type ImportOnnxOptions, importOnnx } from './onnx/import/importOnnx.js'
export { OnnxFormatError } from './onnx/proto/errors.js'
export type { ReadExternalData } from './onnx/proto/tensor.js'
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
  nonDifferentiable,
  type OpDefinition,
  stopsGradient,
} from './op.js'
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
export { batchNormInference, batchNormTraining, moments } from './ops/batchNormalization.js'
export { bitwiseAnd, bitwiseXor, shiftLeft, shiftRight } from './ops/bitwise.js'
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
export { concat, split } from './ops/concat.js'
export { type ConvGeometry, type ConvOptions, conv, convGeometry, geometryOf } from './ops/conv.js'
export { type CTCLossInputs, ctcLoss } from './ops/ctcLoss.js'
export { cumSum } from './ops/cumSum.js'
export { expand, expandLike } from './ops/expand.js'
export { erf, exp, log, sqrt } from './ops/exponential.js'
export { fill, fullLike, onesLike, range, zerosLike } from './ops/fill.js'
export { gather, gatherElements } from './ops/gather.js'
export { constant, full, input, isConstant, lift } from './ops/leaves.js'
export { dot, gemm, linear, matMul } from './ops/matMul.js'
export { oneHot } from './ops/oneHot.js'
export { type PadMode, pad, padConstant } from './ops/pad.js'
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
export {
  type Axes,
  argMax,
  argMin,
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
export { type OpType, ops } from './ops/registry.js'
export { flatten, reshape, reshapeLike, squeeze, unsqueeze } from './ops/reshape.js'
export { ceil, floor, round, sign } from './ops/rounding.js'
export { type ScanOptions, type ScanStep, scan } from './ops/scan.js'
export { type ScatterReduction, scatterElements } from './ops/scatter.js'
export { dimTensor, shapeOf, shapeTensor } from './ops/shape.js'
export { narrow, type SliceBox, slice } from './ops/slice.js'
export { logSoftmax, softmax } from './ops/softmax.js'
export { tile } from './ops/tile.js'
export { swapAxes, transpose } from './ops/transpose.js'
export { acos, asin, atan, cos, sin, tan } from './ops/trigonometric.js'
export { where } from './ops/where.js'
export { Parameter, type ParameterRole, type ParameterStore, parameter } from './parameter.js'
export { decompose } from './rewrite/decompose.js'
export { type RewriteRule, rebuild } from './rewrite/rebuild.js'
export { combine, simplify } from './rewrite/simplify.js'
export { type OrtOptions, ort } from './runtime/ort/ort.js'
export type { Executable, Plan, Runtime } from './runtime/runtime.js'
export { currentScope, withScope } from './scope.js'
export { Node, Tensor } from './tensor.js'
export { topologicalOrder } from './traverse.js'
