import { checkOp, EDGE_SIZES } from '../../test/opCheck.js'
import { array, at } from '../../test/referenceArray.js'
import { cumSum } from './cumSum.js'

for (const axis of [0, -1]) {
  for (const exclusive of [false, true]) {
    for (const reverse of [false, true]) {
      checkOp('CumSum', `along axis ${axis}${exclusive ? ', exclusive' : ''}${reverse ? ', reversed' : ''}`, {
        inputs: [{ shape: ['B', 3, 'T'] }],
        sizes: EDGE_SIZES,
        dtypes: ['float32', 'float64'],
        secondOrder: true,
        build: ([x]) => cumSum(x!, axis, { exclusive, reverse }),
        reference: ([x]) => {
          const along = axis < 0 ? axis + 3 : axis
          return array(x!.shape, (index) => {
            let sum = 0
            for (let i = 0; i < x!.shape[along]!; i++) {
              const before = reverse ? i > index[along]! : i < index[along]!
              if (before || (!exclusive && i === index[along])) sum += at(x!, index.with(along, i))
            }
            return sum
          })
        },
      })
    }
  }
}
