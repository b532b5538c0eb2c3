import { describe, expect, test } from 'vitest'
import { type CheckedInput, checkOp } from '../../test/opCheck.js'
import { array, at, broadcastAt, indicesOf, matrixProduct, type ReferenceArray } from '../../test/referenceArray.js'
import { AttributeError, ShapeError } from '../errors.js'
import { grad } from '../grad.js'
import { einsum } from './einsum.js'
import { input } from './leaves.js'
import { reduceSum } from './reduction.js'

// By definition: for every assignment of sizes to letters, the product of the elements is added to its place.
function sumOfProducts(equation: string, operands: readonly ReferenceArray[]): ReferenceArray {
  const [left, output] = equation.split('->') as [string, string]
  const terms = left.split(',')
  const sizes = new Map<string, number>()
  terms.forEach((term, i) => {
    ;[...term].forEach((letter, axis) => {
      sizes.set(letter, operands[i]!.shape[axis]!)
    })
  })
  const letters = [...sizes.keys()]
  const sums = new Map<string, number>()
  for (const place of indicesOf([...sizes.values()])) {
    const value = new Map(letters.map((letter, i) => [letter, place[i]!]))
    const pick = (term: string) => [...term].map((letter) => value.get(letter)!)
    const key = pick(output).join()
    sums.set(key, (sums.get(key) ?? 0) + terms.reduce((product, term, i) => product * at(operands[i]!, pick(term)), 1))
  }
  return array(
    [...output].map((letter) => sizes.get(letter)!),
    (index) => sums.get(index.join()) ?? 0,
  )
}

const cases: readonly { readonly equation: string; readonly shapes: readonly CheckedInput['shape'][] }[] = [
  {
    equation: 'bij,bjk->bik',
    shapes: [
      ['B', 3, 'T'],
      ['B', 'T', 2],
    ],
  },
  {
    equation: 'bhid,bhjd->bhij',
    shapes: [
      ['B', 2, 'T', 3],
      ['B', 2, 4, 3],
    ],
  },
  { equation: 'i,j->ij', shapes: [['T'], [3]] },
  { equation: 'i,i->', shapes: [['T'], ['T']] },
  { equation: 'ij->ji', shapes: [['B', 'T']] },
  { equation: 'ij->i', shapes: [['B', 'T']] },
  { equation: 'ij->', shapes: [['B', 'T']] },
  {
    equation: 'bi,ij,bj->b',
    shapes: [
      ['B', 3],
      [3, 'T'],
      ['B', 'T'],
    ],
  },
  {
    equation: 'bi,cj->bc',
    shapes: [
      ['B', 3],
      [2, 'T'],
    ],
  },
]
for (const { equation, shapes } of cases) {
  checkOp('Einsum', equation, {
    inputs: shapes.map((shape) => ({ shape })),
    sizes: [
      { B: 2, T: 5 },
      { B: 1, T: 1 },
    ],
    tolerance: { absolute: 2e-5, relative: 2e-5 },
    gradientTolerance: { absolute: 3e-4, relative: 3e-4 },
    secondOrder: true,
    build: (xs) => einsum(equation, xs),
    reference: (xs) => sumOfProducts(equation, xs),
  })
}
checkOp('Einsum', 'broadcasts the axes that ... stands for', {
  inputs: [{ shape: ['B', 1, 'T', 3] }, { shape: [1, 2, 3, 4] }],
  sizes: [
    { B: 2, T: 5 },
    { B: 1, T: 1 },
  ],
  gradientTolerance: { absolute: 3e-4, relative: 3e-4 },
  build: ([a, b]) => einsum('...ij,...jk->...ik', [a!, b!]),
  reference: ([a, b]) => matrixProduct(a!, b!),
})
checkOp('Einsum', 'without -> keeps the axes named once, in alphabetical order', {
  inputs: [{ shape: ['T', 3] }, { shape: [3, 2] }],
  sizes: [{ T: 4 }],
  build: ([a, b]) => [einsum('ij,jk', [a!, b!]), einsum('ba', [a!])],
  reference: ([a, b]) => [matrixProduct(a!, b!), array([3, 4], ([i, j]) => at(a!, [j!, i!]))],
})
checkOp('Einsum', 'takes a diagonal', {
  inputs: [{ shape: [3, 3], differentiable: false }],
  build: ([x]) => einsum('ii->i', [x!]),
  reference: ([x]) => array([3], ([i]) => broadcastAt(x!, [i!, i!])),
})

describe('errors', () => {
  const x = input('x', 'float32', [2, 3])

  test('name what does not fit', () => {
    expect(() => einsum('ij,jk->ik', [x])).toThrow('found 2 terms for 1 operands')
    expect(() => einsum('ijk->i', [x])).toThrow('operand 0 has rank 2, not 3')
    expect(() => einsum('ij->k', [x])).toThrow(AttributeError)
    expect(() => einsum('i1->i', [x])).toThrow(AttributeError)
    expect(() => einsum('ij,ij->', [x, input('y', 'float32', [2, 4])])).toThrow(ShapeError)
  })
  test('a diagonal has no gradient', () => {
    const square = input('s', 'float32', [3, 3])
    expect(() => grad(reduceSum(einsum('ii->i', [square])), [square])).toThrow('diagonal')
  })
})
