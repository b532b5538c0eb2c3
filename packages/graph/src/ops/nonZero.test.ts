import { checkOp, EDGE_SIZES } from '../../test/opCheck.js'
import { array, at, indicesOf } from '../../test/referenceArray.js'
import { nonZero } from './nonZero.js'

checkOp('NonZero', 'lists positions in C order', {
  inputs: [{ shape: ['B', 'T'], values: (random) => Math.floor(random() * 2), differentiable: false }],
  sizes: EDGE_SIZES,
  build: ([x]) => nonZero(x!),
  reference: ([x]) => {
    const found = indicesOf(x!.shape).filter((index) => at(x!, index) !== 0)
    return array([2, found.length], ([axis, n]) => found[n!]![axis!]!)
  },
})
