import { freshDim } from '../dim.js'
import { type DType, tensorData } from '../dtype.js'
import { apply1, defineOp, stopsGradient } from '../op.js'
import type { Tensor } from '../tensor.js'
import { constant } from './leaves.js'

/** Unit vectors along a new axis; `values` holds [off, on]. Indices out of range give all off. ONNX OneHot-11. */
export const OneHot = defineOp({
  type: 'OneHot',
  since: 11,
  attributes: { axis: { kind: 'int', default: -1 } },
  infer: (context) => {
    const [indices, depth, values] = [context.input(0), context.input(1), context.input(2)]
    const size = depth.known?.[0] ?? freshDim('classes')
    const axis = context.attributes.axis as number
    const at = axis < 0 ? axis + indices.rank + 1 : axis
    return [{ dtype: values.dtype, shape: [...indices.shape.slice(0, at), size, ...indices.shape.slice(at)] }]
  },
  grad: stopsGradient('made of indices'),
})

/** 1 at each index along a new axis (the last by default) of size `depth`, else 0. */
export const oneHot = (indices: Tensor, depth: number | Tensor, axis = -1, dtype: DType = 'float32'): Tensor =>
  apply1(
    OneHot,
    [indices, typeof depth === 'number' ? constant(depth, 'int64') : depth, constant(tensorData([0, 1], dtype), dtype)],
    { axis },
  )
