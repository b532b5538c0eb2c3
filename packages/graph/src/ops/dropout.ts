import { defineOp } from '../op.js'
import type { OutputSpec } from '../tensor.js'
import { cast } from './cast.js'
import { fullLike } from './fill.js'

/**
 * ONNX's Dropout as imported models have it: the identity, since its training mode draws from a generator that nobody
 * can reproduce. Train with the builder `dropout`. ONNX Dropout-13.
 */
export const Dropout = defineOp({
  type: 'Dropout',
  since: 13,
  attributes: { seed: { kind: 'int' } },
  requiredOutputs: 1,
  infer: (context) => {
    const x = context.input(0)
    const mode = context.inputs[2]
    if (mode && !(mode.constant && Number(mode.constant.data[0]) === 0)) {
      context.fail('training_mode must be the constant false; use the dropout builder to train.')
    }
    const y: OutputSpec = { dtype: x.dtype, shape: x.shape }
    return context.outputCount > 1 ? [y, { dtype: 'bool', shape: x.shape }] : [y]
  },
  decompose: (node, [x]) => [x!, ...(node.outputs.length > 1 ? [cast(fullLike(x!, 1), 'bool')] : [])],
  grad: ({ dy }) => [dy],
})
