import type { DType, TensorData } from '../dtype.js'
import { isFloat, tensorData } from '../dtype.js'
import { apply1, defineOp, stopsGradient } from '../op.js'
import type { Tensor } from '../tensor.js'

/** Changes the dtype; floats become integers by truncation. ONNX Cast-19 (`to` holds our dtype name until export). */
export const Cast = defineOp({
  type: 'Cast',
  since: 19,
  attributes: { to: { kind: 'string' } },
  infer: (context) => {
    const x = context.input(0)
    const to = context.attributes.to as DType
    return [{ dtype: to, shape: x.shape, known: to === 'int64' || to === 'int32' ? x.known : undefined }]
  },
  evaluate: ([x], node) => [castData(x!, node.attribute<DType>('to'))],
  grad: ({ dy, x }) => [isFloat(x.dtype) && isFloat(dy.dtype) ? cast(dy, x.dtype) : null],
})

function castData(x: TensorData, to: DType): TensorData {
  const numbers = Array.from(x.data as ArrayLike<number | bigint>, (v) => {
    if (to === 'bool') return Number(Number(v) !== 0)
    return isFloat(to) ? Number(v) : Math.trunc(Number(v))
  })
  return tensorData(numbers, to, x.shape)
}

/** Identity. ONNX Identity-16. */
export const Identity = defineOp({
  type: 'Identity',
  since: 16,
  infer: (context) => [context.input(0)],
  evaluate: ([x]) => [x!],
  grad: ({ dy }) => [dy],
})

/** The value of x, but a constant to differentiation (PyTorch's `detach`). */
export const StopGradient = defineOp({
  type: 'StopGradient',
  domain: 'nemo',
  since: 1,
  infer: (context) => [context.input(0)],
  decompose: (_node, [x]) => [x!],
  grad: stopsGradient('asked for'),
})

/** x as another dtype; x itself if it has it already. */
export const cast = (x: Tensor, to: DType): Tensor => (x.dtype === to ? x : apply1(Cast, [x], { to }))
/** A copy of x under a new name. */
export const identity = (x: Tensor): Tensor => apply1(Identity, [x])
/** x, but a constant to differentiation. */
export const stopGradient = (x: Tensor): Tensor => apply1(StopGradient, [x])
