import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { dimExpression as expression } from '../test/dimExpression.js'
import {
  addDims,
  broadcastDim,
  broadcastShapes,
  type Dim,
  evaluateDim,
  floorDivideDims,
  formatShape,
  freshDim,
  isStatic,
  multiplyDims,
  productOfDims,
  subtractDims,
  symbolsOfDim,
  termsOfDim,
} from './dim.js'
import { ShapeError } from './errors.js'

const bindings = fc.tuple(...['B', 'T', 'N'].map(() => fc.integer({ min: 1, max: 40 }))).map(
  ([B, T, N]) =>
    new Map([
      ['B', B!],
      ['T', T!],
      ['N', N!],
    ]),
)
const options = { seed: 11, numRuns: 400 }

describe('arithmetic of dims', () => {
  test('has the value of the arithmetic of numbers, floors of negatives included', () => {
    fc.assert(
      fc.property(expression, bindings, ({ dim, value }, s) => {
        expect(evaluateDim(dim, s)).toBeCloseTo(value(s), 6)
      }),
      options,
    )
  })

  test('spells equal sums and products equally', () => {
    fc.assert(
      fc.property(expression, expression, expression, (x, y, z) => {
        const [a, b, c] = [x.dim, y.dim, z.dim]
        expect(addDims(a, b)).toBe(addDims(b, a))
        expect(multiplyDims(a, b)).toBe(multiplyDims(b, a))
        expect(addDims(addDims(a, b), c)).toBe(addDims(a, addDims(b, c)))
        expect(multiplyDims(multiplyDims(a, b), c)).toBe(multiplyDims(a, multiplyDims(b, c)))
        expect(multiplyDims(a, addDims(b, c))).toBe(addDims(multiplyDims(a, b), multiplyDims(a, c)))
        expect(subtractDims(addDims(a, b), b)).toBe(a)
        expect(subtractDims(a, a)).toBe(0)
        expect(multiplyDims(a, 0)).toBe(0)
        expect(multiplyDims(a, 1)).toBe(a)
      }),
      options,
    )
  })

  test('carries out exact divisions', () => {
    fc.assert(
      fc.property(expression, expression, fc.integer({ min: 1, max: 9 }), ({ dim: a }, { dim: b }, k) => {
        expect(floorDivideDims(multiplyDims(a, k), k)).toBe(a)
        expect(floorDivideDims(addDims(a, multiplyDims(b, k)), k)).toBe(addDims(floorDivideDims(a, k), b))
        expect(floorDivideDims(multiplyDims(a, 'N'), 'N')).toBe(a)
      }),
      options,
    )
  })

  test('names exactly the symbols it depends on', () => {
    fc.assert(
      fc.property(expression, bindings, ({ dim }, s) => {
        const needed = new Map([...s].filter(([name]) => symbolsOfDim(dim).has(name)))
        expect(evaluateDim(dim, needed)).toBe(evaluateDim(dim, s))
      }),
      options,
    )
  })

  test('comes apart into terms that add up to it', () => {
    fc.assert(
      fc.property(expression, ({ dim }) => {
        const sum = termsOfDim(dim).reduce<Dim>(
          (total, { coefficient, atoms }) =>
            addDims(
              total,
              atoms.reduce<Dim>((product, { text }) => multiplyDims(product, text), coefficient),
            ),
          0,
        )
        expect(sum).toBe(dim)
      }),
      options,
    )
  })

  test('reads well', () => {
    expect(addDims('T', -3)).toBe('T-3')
    expect(multiplyDims(multiplyDims('T', 'B'), 2)).toBe('2*B*T')
    expect(subtractDims(0, 'T')).toBe('-T')
    expect(productOfDims(['B', 4, 'T'])).toBe('4*B*T')
    expect(productOfDims([])).toBe(1)
    expect(floorDivideDims(addDims(multiplyDims('T', 4), 2), 4)).toBe('T')
    expect(floorDivideDims(-3, 2)).toBe(-2)
    expect(formatShape(['B', 64, floorDivideDims('T', 2)])).toBe('[B, 64, floor((T)/2)]')
  })

  test('a symbol without a value is an error that names it', () => {
    expect(() => evaluateDim(addDims('T', 1), new Map([['B', 2]]))).toThrow(ShapeError)
    expect(() => evaluateDim(addDims('T', 1), new Map())).toThrow('needs a value for T')
  })

  test('a bound expression needs none of its symbols', () => {
    const frames = addDims(floorDivideDims('T', 2), 1)
    expect(evaluateDim(frames, new Map([[String(frames), 7]]))).toBe(7)
  })
})

describe('broadcasting of dims', () => {
  test('numbers follow NumPy', () => {
    expect(broadcastShapes([[2, 1, 3], [4, 1], []], 'here')).toEqual([2, 4, 3])
    expect(broadcastDim(0, 1)).toBe(0)
    expect(broadcastDim(2, 3)).toBeUndefined()
    expect(() =>
      broadcastShapes(
        [
          [2, 3],
          [4, 3],
        ],
        'here',
      ),
    ).toThrow('here: shapes [2, 3] and [4, 3] cannot be broadcast; axis -2 differs')
  })

  test('a symbol stays itself beside 1 and gives way to a number', () => {
    expect(broadcastDim('T', 1)).toBe('T')
    expect(broadcastDim('T', 5)).toBe(5)
    expect(broadcastDim(0, 'T')).toBe(0)
    expect(broadcastDim('T', 'T')).toBe('T')
  })

  test('of two names for one size the shorter stays', () => {
    expect(broadcastDim('floor((T-1)/2)+1', 'N')).toBe('N')
    expect(broadcastDim('N', 'floor((T-1)/2)+1')).toBe('N')
  })
})

test('fresh symbols are all different', () => {
  expect(new Set([freshDim(), freshDim(), freshDim('top'), freshDim('top')]).size).toBe(4)
})

test('a shape is static when every dim is a number', () => {
  expect(isStatic([])).toBe(true)
  expect(isStatic([2, 0])).toBe(true)
  expect(isStatic([2, 'T'])).toBe(false)
})
