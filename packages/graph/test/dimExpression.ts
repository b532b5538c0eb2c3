import fc from 'fast-check'
import { addDims, type Dim, floorDivideDims, multiplyDims, subtractDims } from '../src/dim.js'

type Bindings = ReadonlyMap<string, number>

/** An expression, and what it means. */
export interface DimExpression {
  readonly dim: Dim
  readonly value: (bindings: Bindings) => number
}

const leaf = fc.oneof(
  fc.integer({ min: -9, max: 9 }).map((n): DimExpression => ({ dim: n, value: () => n })),
  fc
    .constantFrom('B', 'T', 'N')
    .map((name): DimExpression => ({ dim: name, value: (bindings) => bindings.get(name)! })),
)
const trees = fc.letrec<{ expression: DimExpression }>((tie) => ({
  expression: fc.oneof(
    { maxDepth: 4, depthSize: 'small' },
    leaf,
    fc.tuple(fc.constantFrom('+', '-', '*'), tie('expression'), tie('expression')).map(
      ([sign, a, b]): DimExpression => ({
        dim:
          sign === '+' ? addDims(a.dim, b.dim) : sign === '-' ? subtractDims(a.dim, b.dim) : multiplyDims(a.dim, b.dim),
        value: (s) =>
          sign === '+' ? a.value(s) + b.value(s) : sign === '-' ? a.value(s) - b.value(s) : a.value(s) * b.value(s),
      }),
    ),
    fc.tuple(tie('expression'), fc.oneof(fc.integer({ min: 1, max: 7 }), fc.constantFrom('B', 'T'))).map(
      ([a, b]): DimExpression => ({
        dim: floorDivideDims(a.dim, b),
        value: (s) => Math.floor(a.value(s) / (typeof b === 'number' ? b : s.get(b)!)),
      }),
    ),
  ),
}))

/** Arithmetic of the sizes B, T and N, in any depth, with divisors above 0. */
export const dimExpression: fc.Arbitrary<DimExpression> = trees.expression
