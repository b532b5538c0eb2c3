import { checkOp, EDGE_SIZES } from '../../test/opCheck.js'
import { array, at } from '../../test/referenceArray.js'
import { reverseSequence } from './reverseSequence.js'

checkOp('ReverseSequence', 'reverses frames and leaves padding in place', {
  inputs: [
    { shape: ['B', 'T', 2] },
    { shape: ['B'], dtype: 'int64', values: (random, _, { T }) => Math.floor(random() * (T! + 1)) },
  ],
  sizes: EDGE_SIZES.filter(({ B, T }) => B! * T! > 0),
  secondOrder: true,
  build: ([x, lengths]) => reverseSequence(x!, lengths!),
  reference: ([x, lengths]) =>
    array(x!.shape, ([b, t, d]) => {
      const length = at(lengths!, [b!])
      return at(x!, [b!, t! < length ? length - 1 - t! : t!, d!])
    }),
})
