import { RandomGenerator } from '@nemo/audio'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { symmetricEigen } from './symmetricEigen.js'

function check(matrix: readonly number[], n: number): void {
  const { values, vectors } = symmetricEigen(matrix, n, { vectors: true })
  const size = Math.max(1, ...matrix.map(Math.abs))
  for (let i = 0; i < n; i++) {
    if (i > 0) expect(values[i]!).toBeGreaterThanOrEqual(values[i - 1]!)
    const v = vectors[i]!
    for (let r = 0; r < n; r++) {
      let product = 0
      for (let c = 0; c < n; c++) product += matrix[r * n + c]! * v[c]!
      expect(Math.abs(product - values[i]! * v[r]!)).toBeLessThan(1e-9 * size * n)
    }
    for (let j = 0; j <= i; j++) {
      const dot = v.reduce((sum, x, k) => sum + x * vectors[j]![k]!, 0)
      expect(Math.abs(dot - (i === j ? 1 : 0))).toBeLessThan(1e-9)
    }
  }
  const alone = symmetricEigen(matrix, n).values
  for (const [i, value] of alone.entries()) expect(Math.abs(value - values[i]!)).toBeLessThan(1e-9 * size * n)
}

function symmetric(n: number, draw: () => number): number[] {
  const matrix = new Array<number>(n * n).fill(0)
  for (let i = 0; i < n; i++) for (let j = 0; j <= i; j++) matrix[i * n + j] = matrix[j * n + i] = draw()
  return matrix
}

describe('symmetricEigen', () => {
  it('knows values of small matrices', () => {
    expect([...symmetricEigen([2, 1, 1, 2], 2).values]).toEqual([expect.closeTo(1), expect.closeTo(3)])
    expect([...symmetricEigen([5], 1).values]).toEqual([5])
    expect(symmetricEigen([], 0).values.length).toBe(0)
    // A ring of four nodes: 0, 2, 2, 4.
    const ring = [2, -1, 0, -1, -1, 2, -1, 0, 0, -1, 2, -1, -1, 0, -1, 2]
    const expected = [0, 2, 2, 4].map((value) => expect.closeTo(value, 10))
    expect([...symmetricEigen(ring, 4).values]).toEqual(expected)
  })

  it('values and vectors satisfy A v = λ v, and vectors are orthonormal', () => {
    const random = new RandomGenerator(3)
    for (const n of [2, 3, 7, 40])
      check(
        symmetric(n, () => random.normal()),
        n,
      )
  })

  it('so they do for matrices with equal values, zeros and great differences of size', () => {
    const entry = fc.constantFrom(0, 0, 1, -1, 1e-8, 1e6)
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 8 }), fc.array(entry, { minLength: 36, maxLength: 36 }), (n, entries) => {
        let at = 0
        check(
          symmetric(n, () => entries[at++ % entries.length]!),
          n,
        )
      }),
      { seed: 4, numRuns: 150 },
    )
  })

  it('a matrix of another size is refused', () => {
    expect(() => symmetricEigen([1, 2], 2)).toThrow('expected 2 x 2 numbers, found 2')
  })
})
