import type { TensorData } from '../../dtype.js'
import { Input } from '../../ops/leaves.js'
import { ParameterLeaf } from '../../parameter.js'
import { simplify } from '../../rewrite/simplify.js'
import type { Tensor } from '../../tensor.js'
import { topologicalOrder } from '../../traverse.js'

/** Elements of a tensor if they follow from constants and static shapes alone. */
export function constantData(tensor: Tensor): TensorData | undefined {
  if (tensor.constant) return tensor.constant
  const { known, shape } = tensor
  if (tensor.dtype === 'int64' && known?.every((dim) => typeof dim === 'number') && isNumeric(shape))
    return { dtype: 'int64', shape, data: BigInt64Array.from(known as readonly number[], BigInt) }
  const order = topologicalOrder([tensor])
  if (order.some((node) => node.op === Input || node.op === ParameterLeaf)) return undefined
  return simplify([tensor])[0]!.constant
}

const isNumeric = (shape: Tensor['shape']): shape is readonly number[] => shape.every((dim) => typeof dim === 'number')
