import { checkOp, EDGE_SIZES } from '../../test/opCheck.js'
import { elementwise } from '../../test/referenceArray.js'
import { bitwiseAnd, bitwiseOr, bitwiseXor, shiftLeft, shiftRight } from './bitwise.js'

const word = { shape: ['B', 'T'], dtype: 'uint32', values: [0, 2 ** 32] } as const

checkOp('BitShift', 'shifts words, dropping bits that leave', {
  inputs: [word],
  sizes: EDGE_SIZES,
  build: ([x]) => [shiftRight(x!, 7), shiftLeft(x!, 7)],
  reference: ([x]) => [elementwise((v) => v >>> 7, x!), elementwise((v) => (v << 7) >>> 0, x!)],
})
const pairs = [
  ['BitwiseAnd', bitwiseAnd, (a: number, b: number) => (a & b) >>> 0],
  ['BitwiseOr', bitwiseOr, (a: number, b: number) => (a | b) >>> 0],
  ['BitwiseXor', bitwiseXor, (a: number, b: number) => (a ^ b) >>> 0],
] as const
for (const [type, build, value] of pairs) {
  checkOp(type, 'works on words with broadcasting', {
    inputs: [word, { ...word, shape: ['T'] }],
    sizes: EDGE_SIZES,
    build: ([a, b]) => build(a!, b!),
    reference: ([a, b]) => elementwise(value, a!, b!),
  })
}
