import type { OpType } from '@nemo/graph'
import { type OpKernel, type Refusal, refused } from '../opKernel.js'
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
import { Cast, Identity } from './cast.js'
import { Clip } from './clip.js'
import { And, Equal, Greater, GreaterOrEqual, IsInf, IsNaN, Less, LessOrEqual, Not, Or, Xor } from './comparison.js'
import { Concat, Split } from './concat.js'
import { Conv, ConvInputGradient, ConvWeightGradient } from './conv.js'
import { ConvTranspose } from './convTranspose.js'
import { CTCLoss } from './ctcLoss.js'
import { CumSum } from './cumSum.js'
import { DepthToSpace, SpaceToDepth } from './depthToSpace.js'
import { Expand } from './expand.js'
import { Erf, Exp, Log, Sqrt } from './exponential.js'
import { ConstantOfShape, Range } from './fill.js'
import { Gather, GatherElements, GatherND } from './gather.js'
import { InstanceNormalization } from './instanceNormalization.js'
import { LayerNormalization } from './layerNormalization.js'
import { LpNormalization } from './lpNormalization.js'
import { Gemm, MatMul } from './matMul.js'
import { OneHot } from './oneHot.js'
import { Pad } from './pad.js'
import { AveragePool, GlobalAveragePool, GlobalMaxPool, MaxPool } from './pooling.js'
import { multiplyHighKernel, RandomBits } from './random.js'
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
import { Flatten, Reshape, Squeeze, Unsqueeze } from './reshape.js'
import { ReverseSequence } from './reverseSequence.js'
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

const leaf = refused('a leaf has no kernel')
const defined = refused('it is replaced by its definition before planning')

/** What the executor does for every op of the project; a forgotten op fails the compiler. */
export const kernels: Readonly<Record<OpType | 'MultiplyHigh', OpKernel | Refusal>> = {
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
  Constant: leaf,
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
  Dropout: defined,
  Einsum: refused('einsum has no kernel yet; write it as matMul, transpose and reduceSum.'),
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
  Input: leaf,
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
  NonZero: refused('the size of its result depends on data, and WebGPU plans need all sizes before they run.'),
  Not,
  OneHot,
  Or,
  PRelu,
  Pad,
  PadNamed: defined,
  Parameter: leaf,
  Pow,
  RNNTLoss: defined,
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
  ReshapeNamed: defined,
  Resize: refused('resize has no kernel yet.'),
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
  StopGradient: defined,
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
  MultiplyHigh: multiplyHighKernel,
}
