import { broadcastShapes, type Dim } from '../../dim.js'
import { type Attributes, defineOp, type InferContext, nonDifferentiable } from '../../op.js'
import { convLength, geometryOf } from '../../ops/conv.js'

// Ops of ONNX Runtime beyond ONNX, as its CPU kernels define them. Lowerings put them in after differentiation.
const lowered = nonDifferentiable('it exists only in lowered graphs')

/** Domain of MLAS' kernels for channel-blocked data. */
const NCHWC = 'com.microsoft.nchwc'

/** alpha A' B' over the last two axes, A' and B' optionally transposed; leading axes broadcast. ONNX Runtime FusedMatMul. */
export const FusedMatMul = defineOp({
  type: 'FusedMatMul',
  domain: 'com.microsoft',
  since: 1,
  attributes: {
    alpha: { kind: 'float', default: 1 },
    transA: { kind: 'int', default: 0 },
    transB: { kind: 'int', default: 0 },
  },
  infer: (context) => {
    const [a, b] = [context.input(0), context.input(1)]
    if (a.rank < 2 || b.rank < 2) context.fail('expected tensors of rank 2 or more.')
    const { transA, transB } = context.attributes as { transA: number; transB: number }
    const batch = broadcastShapes([a.shape.slice(0, -2), b.shape.slice(0, -2)], 'FusedMatMul')
    return [{ dtype: a.dtype, shape: [...batch, a.dim(transA ? -1 : -2), b.dim(transB ? -2 : -1)] }]
  },
  grad: lowered,
})

/**
 * `[N, C, H, W]` in blocks of channels: the elements lie as `[N, C / block, H, W, block]` under the same nominal shape.
 * C must be a multiple of the block. ONNX Runtime ReorderInput.
 */
export const ReorderInput = defineOp({
  type: 'ReorderInput',
  domain: NCHWC,
  since: 1,
  infer: (context) => [{ dtype: context.input(0).dtype, shape: context.input(0).shape }],
  grad: lowered,
})

/** Takes the blocks of ReorderInput apart and keeps the first `channels`. ONNX Runtime ReorderOutput. */
export const ReorderOutput = defineOp({
  type: 'ReorderOutput',
  domain: NCHWC,
  since: 1,
  attributes: { channels: { kind: 'int' } },
  infer: (context) => {
    const x = context.input(0)
    return [{ dtype: x.dtype, shape: x.shape.with(1, context.attributes.channels as number) }]
  },
  grad: lowered,
})

const nchwcConvAttributes = {
  group: { kind: 'int', default: 1 },
  strides: { kind: 'ints' },
  dilations: { kind: 'ints' },
  pads: { kind: 'ints' },
} as const

/** Convolution of blocked data with weights that are blocked the same way. ONNX Runtime Conv of com.microsoft.nchwc. */
export const NchwcConv = defineOp({
  type: 'Conv',
  domain: NCHWC,
  since: 1,
  attributes: nchwcConvAttributes,
  infer: (context) => {
    const [x, w] = [context.input(0), context.input(1)]
    const lengths = outputLengths(context, context.attributes)
    return [{ dtype: x.dtype, shape: [x.shape[0]!, w.shape[0]!, ...lengths] }]
  },
  grad: lowered,
})

function outputLengths(context: InferContext, attributes: Attributes): Dim[] {
  const [x, w] = [context.input(0), context.input(1)]
  const geometry = geometryOf(attributes, 2)
  return [0, 1].map((axis) => convLength(x.shape[axis + 2]!, w.shape[axis + 2]!, axis, geometry))
}
