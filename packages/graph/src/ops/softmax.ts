import { apply1, defineOp, normalizeAxis, type OpDefinition } from '../op.js'
import type { Tensor } from '../tensor.js'
import { mul, sub } from './arithmetic.js'
import { exp } from './exponential.js'
import { reduceSum } from './reduction.js'

function alongAxis(type: string, grad: (dy: Tensor, y: Tensor, axis: number) => Tensor): OpDefinition {
  return defineOp({
    type,
    since: 13,
    attributes: { axis: { kind: 'int', default: -1 } },
    infer: (context) => {
      const x = context.input(0)
      normalizeAxis(context.attributes.axis as number, x.rank, context)
      return [{ dtype: x.dtype, shape: x.shape }]
    },
    grad: ({ dy, y, node }) => [grad(dy, y, node.attribute<number>('axis'))],
  })
}

/** e^x / sum e^x along an axis. ONNX Softmax-13. */
export const Softmax = alongAxis('Softmax', (dy, y, axis) => {
  const weighted = mul(dy, y)
  return sub(weighted, mul(y, reduceSum(weighted, axis, true)))
})

/** x - ln sum e^x along an axis. ONNX LogSoftmax-13. */
export const LogSoftmax = alongAxis('LogSoftmax', (dy, y, axis) => sub(dy, mul(exp(y), reduceSum(dy, axis, true))))

/** Probabilities along `axis` (the last by default). */
export const softmax = (x: Tensor, axis = -1): Tensor => apply1(Softmax, [x], { axis })
/** Log-probabilities along `axis` (the last by default). */
export const logSoftmax = (x: Tensor, axis = -1): Tensor => apply1(LogSoftmax, [x], { axis })
