import { broadcastShapes } from '../dim.js'
import { allocate, sizeOf, type TensorData } from '../dtype.js'
import { apply1, defineOp, sameDType } from '../op.js'
import { Tensor } from '../tensor.js'
import { broadcastIndex } from './arithmetic.js'
import { constant, lift } from './leaves.js'
import { unbroadcast } from './unbroadcast.js'

/** a where the condition holds, else b; all three broadcast. ONNX Where-16. */
export const Where = defineOp({
  type: 'Where',
  since: 16,
  infer: (context) => {
    const condition = context.input(0)
    if (condition.dtype !== 'bool') context.fail('expected a boolean condition.')
    const dtype = sameDType(context, [1, 2])
    return [
      { dtype, shape: broadcastShapes([condition.shape, context.input(1).shape, context.input(2).shape], 'Where') },
    ]
  },
  evaluate: (inputs) => {
    const [condition, a, b] = inputs as readonly [TensorData<'bool'>, TensorData, TensorData]
    const shape = broadcastShapes([condition.shape, a.shape, b.shape], 'constant folding') as readonly number[]
    const data = allocate(a.dtype, sizeOf(shape))
    for (let i = 0; i < data.length; i++) {
      const branch = condition.data[broadcastIndex(i, shape, condition.shape)] ? a : b
      data[i] = branch.data[broadcastIndex(i, shape, branch.shape)]!
    }
    return [{ dtype: a.dtype, shape, data }]
  },
  grad: ({ dy, inputs, needs }) => {
    const [condition, a, b] = inputs as readonly [Tensor, Tensor, Tensor]
    return [
      null,
      needs(1) ? unbroadcast(where(condition, dy, 0), a) : null,
      needs(2) ? unbroadcast(where(condition, 0, dy), b) : null,
    ]
  },
})

/** `a` where `condition` holds, else `b`; numbers take the other operand's dtype. */
export function where(condition: Tensor, a: Tensor | number, b: Tensor | number): Tensor {
  const dtype = a instanceof Tensor ? a.dtype : b instanceof Tensor ? b.dtype : 'float32'
  return apply1(Where, [condition, typeof a === 'number' ? constant(a, dtype) : a, lift(b, dtype)])
}
