import { checkOp, EDGE_SIZES } from '../../test/opCheck.js'
import { array, at } from '../../test/referenceArray.js'
import { oneHot } from './oneHot.js'

for (const axis of [-1, 0, 1]) {
  checkOp('OneHot', `along a new axis ${axis}, counting negative indices from the end`, {
    inputs: [{ shape: ['B', 'T'], dtype: 'int64', values: [-6, 7] }],
    sizes: EDGE_SIZES,
    build: ([x]) => oneHot(x!, 5, axis),
    reference: ([x], { B, T }) => {
      const shape = [B!, T!]
      const along = axis < 0 ? 2 : axis
      shape.splice(along, 0, 5)
      return array(shape, (index) => {
        const pick = at(x!, index.toSpliced(along, 1))
        return Number((pick < 0 ? pick + 5 : pick) === index[along])
      })
    },
  })
}
