import { describe, expect, it } from 'vitest'
import { AudioArgumentError } from './errors.js'
import { RandomGenerator } from './randomGenerator.js'

function draws(count: number, draw: () => number): number[] {
  return Array.from({ length: count }, draw)
}

describe('RandomGenerator', () => {
  it('the same seed and keys give the same numbers, others give others', () => {
    const firstOf = (...keys: [number, ...number[]]) => {
      const random = new RandomGenerator(...keys)
      return draws(4, () => random.uint32()).join()
    }
    expect(firstOf(1, 2, 3)).toBe(firstOf(1, 2, 3))
    const keys: [number, ...number[]][] = [[0], [1], [-1], [2 ** 32], [0, 0], [0, 1], [1, 0], [1, 2], [2, 1]]
    expect(new Set(keys.map((key) => firstOf(...key))).size).toBe(keys.length)
  })

  it('streams of neighbouring keys share no first numbers', () => {
    const first = new Set(
      Array.from({ length: 20_000 }, (_, i) => new RandomGenerator(7, i % 200, Math.floor(i / 200)).random()),
    )
    expect(first.size).toBe(20_000)
  })

  it('the numbers stay the same from release to release', () => {
    const random = new RandomGenerator(42, 7)
    expect(draws(3, () => random.uint32())).toMatchInlineSnapshot(`
      [
        595632415,
        2952908794,
        3506561353,
      ]
    `)
    expect(random.normal()).toMatchInlineSnapshot(`-0.11128358184915214`)
  })

  it('uniform, normal and integer have their moments', () => {
    const random = new RandomGenerator(5)
    const uniform = draws(100_000, () => random.uniform(-1, 3))
    expect(Math.min(...uniform.slice(0, 50_000))).toBeGreaterThanOrEqual(-1)
    expect(mean(uniform)).toBeCloseTo(1, 1)
    expect(mean(uniform.map((x) => (x - 1) ** 2))).toBeCloseTo(16 / 12, 1)
    const normal = draws(100_000, () => random.normal())
    expect(mean(normal)).toBeCloseTo(0, 1)
    expect(mean(normal.map((x) => x ** 2))).toBeCloseTo(1, 1)
    expect(mean(normal.map((x) => x ** 4))).toBeCloseTo(3, 0)
    const dice = draws(60_000, () => random.integer(1, 6))
    for (let face = 1; face <= 6; face++) {
      expect(dice.filter((x) => x === face).length / dice.length).toBeCloseTo(1 / 6, 2)
    }
  })

  it('a choice from nothing and seeds that are no whole numbers are refused', () => {
    expect(() => new RandomGenerator(1).choice([])).toThrow(AudioArgumentError)
    expect(() => new RandomGenerator(0.5)).toThrow('whole numbers as seed and keys, found 0.5')
    expect(new RandomGenerator(1).choice(['a'])).toBe('a')
  })
})

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length
}
