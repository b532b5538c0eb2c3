import type { OpDefinition } from '../op.js'
import { ParameterLeaf } from '../parameter.js'
import {
  Celu,
  Elu,
  Gelu,
  HardSigmoid,
  HardSwish,
  LeakyRelu,
  Mish,
  PRelu,
  Relu,
  Selu,
  Sigmoid,
  Softplus,
  Softsign,
  Tanh,
  ThresholdedRelu,
} from './activation.js'
import { Abs, Add, Div, Max, Mean, Min, Mod, Mul, Neg, Pow, Reciprocal, Sub, Sum } from './arithmetic.js'
import { BatchNormalization } from './batchNormalization.js'
import { BitShift, BitwiseAnd, BitwiseOr, BitwiseXor } from './bitwise.js'
import { Cast, Identity, StopGradient } from './cast.js'
import { Clip } from './clip.js'
import { And, Equal, Greater, GreaterOrEqual, IsInf, IsNaN, Less, LessOrEqual, Not, Or, Xor } from './comparison.js'
import { Concat, Split } from './concat.js'
import { Conv, ConvInputGradient, ConvWeightGradient } from './conv.js'
import { ConvTranspose } from './convTranspose.js'
import { CTCLoss } from './ctcLoss.js'
import { CumSum } from './cumSum.js'
import { DepthToSpace, SpaceToDepth } from './depthToSpace.js'
import { Dropout } from './dropout.js'
import { Einsum } from './einsum.js'
import { Expand } from './expand.js'
import { Erf, Exp, Log, Sqrt } from './exponential.js'
import { ConstantOfShape, Range } from './fill.js'
import { Gather, GatherElements, GatherND } from './gather.js'
import { InstanceNormalization } from './instanceNormalization.js'
import { LayerNormalization } from './layerNormalization.js'
import { Constant, Input } from './leaves.js'
import { LpNormalization } from './lpNormalization.js'
import { Gemm, MatMul } from './matMul.js'
import { NonZero } from './nonZero.js'
import { OneHot } from './oneHot.js'
import { Pad, PadNamed } from './pad.js'
import { AveragePool, GlobalAveragePool, GlobalMaxPool, MaxPool } from './pooling.js'
import { RandomBits } from './random.js'
import {
  ArgMax,
  ArgMin,
  ReduceL1,
  ReduceL2,
  ReduceLogSum,
  ReduceLogSumExp,
  ReduceMax,
  ReduceMean,
  ReduceMin,
  ReduceProd,
  ReduceSum,
  ReduceSumSquare,
} from './reduction.js'
import { Flatten, Reshape, ReshapeNamed, Squeeze, Unsqueeze } from './reshape.js'
import { Resize } from './resize.js'
import { ReverseSequence } from './reverseSequence.js'
import { RNNTLoss } from './rnntLoss.js'
import { Ceil, Floor, Round, Sign } from './rounding.js'
import { Scan } from './scan.js'
import { ScatterElements, ScatterND } from './scatter.js'
import { Shape, Size } from './shape.js'
import { Slice } from './slice.js'
import { LogSoftmax, Softmax } from './softmax.js'
import { Tile } from './tile.js'
import { TopK } from './topK.js'
import { Transpose } from './transpose.js'
import { EyeLike, Trilu } from './triangle.js'
import { Acos, Acosh, Asin, Asinh, Atan, Atanh, Cos, Cosh, Sin, Sinh, Tan } from './trigonometric.js'
import { Where } from './where.js'

/**
 * Every op of the project by its type: those of ai.onnx, then our own (domain `nemo`). Executors, importers and the
 * support table are total over it, so that a forgotten op fails the compiler.
 */
export const ops = {
  Abs,
  Acos,
  Acosh,
  Add,
  And,
  ArgMax,
  ArgMin,
  Asin,
  Asinh,
  Atan,
  Atanh,
  AveragePool,
  BatchNormalization,
  BitShift,
  BitwiseAnd,
  BitwiseOr,
  BitwiseXor,
  CTCLoss,
  Cast,
  Ceil,
  Celu,
  Clip,
  Concat,
  Constant,
  ConstantOfShape,
  Conv,
  ConvInputGradient,
  ConvTranspose,
  ConvWeightGradient,
  Cos,
  Cosh,
  CumSum,
  DepthToSpace,
  Div,
  Dropout,
  Einsum,
  Elu,
  Equal,
  Erf,
  Exp,
  Expand,
  EyeLike,
  Flatten,
  Floor,
  Gather,
  GatherElements,
  GatherND,
  Gelu,
  Gemm,
  GlobalAveragePool,
  GlobalMaxPool,
  Greater,
  GreaterOrEqual,
  HardSigmoid,
  HardSwish,
  Identity,
  Input,
  InstanceNormalization,
  IsInf,
  IsNaN,
  LayerNormalization,
  LeakyRelu,
  Less,
  LessOrEqual,
  Log,
  LogSoftmax,
  LpNormalization,
  MatMul,
  Max,
  MaxPool,
  Mean,
  Min,
  Mish,
  Mod,
  Mul,
  Neg,
  NonZero,
  Not,
  OneHot,
  Or,
  PRelu,
  Pad,
  PadNamed,
  Parameter: ParameterLeaf,
  Pow,
  RNNTLoss,
  RandomBits,
  Range,
  Reciprocal,
  ReduceL1,
  ReduceL2,
  ReduceLogSum,
  ReduceLogSumExp,
  ReduceMax,
  ReduceMean,
  ReduceMin,
  ReduceProd,
  ReduceSum,
  ReduceSumSquare,
  Relu,
  Reshape,
  ReshapeNamed,
  Resize,
  ReverseSequence,
  Round,
  Scan,
  ScatterElements,
  ScatterND,
  Selu,
  Shape,
  Sigmoid,
  Sign,
  Sin,
  Sinh,
  Size,
  Slice,
  Softmax,
  Softplus,
  Softsign,
  SpaceToDepth,
  Split,
  Sqrt,
  Squeeze,
  StopGradient,
  Sub,
  Sum,
  Tan,
  Tanh,
  ThresholdedRelu,
  Tile,
  TopK,
  Transpose,
  Trilu,
  Unsqueeze,
  Where,
  Xor,
} as const satisfies Readonly<Record<string, OpDefinition>>

/** Type of an op that the project knows. */
export type OpType = keyof typeof ops
