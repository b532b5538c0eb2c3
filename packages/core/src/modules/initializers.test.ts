import { beforeEach, expect, it } from 'vitest'
import {
  constantInit,
  defaultUniform,
  fans,
  kaimingNormal,
  kaimingUniform,
  normalInit,
  ones,
  uniformInit,
  withoutInitialisation,
  xavierNormal,
  xavierUniform,
  zeros,
} from './initializers.js'
import { RandomGenerator, seedInitialisation } from './randomGenerator.js'

beforeEach(() => seedInitialisation(1))

const shape = [64, 32, 5]
const fanIn = 160
const fanOut = 320

function moments(data: ArrayLike<number>) {
  const values = Array.from(data)
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length
  const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length
  return { mean, std: Math.sqrt(variance), least: Math.min(...values), most: Math.max(...values) }
}

it('fans count the receptive field', () => {
  expect(fans(shape)).toEqual({ fanIn, fanOut })
  expect(fans([3, 7])).toEqual({ fanIn: 7, fanOut: 3 })
})

it.each([
  ['uniformInit', () => uniformInit(shape, -0.3, 0.5), -0.3, 0.5],
  [
    'xavierUniform',
    () => xavierUniform(shape, 2),
    -2 * Math.sqrt(6 / (fanIn + fanOut)),
    2 * Math.sqrt(6 / (fanIn + fanOut)),
  ],
  ['kaimingUniform', () => kaimingUniform(shape), -Math.sqrt(6 / fanIn), Math.sqrt(6 / fanIn)],
  ['defaultUniform', () => defaultUniform(shape, fanIn), -1 / Math.sqrt(fanIn), 1 / Math.sqrt(fanIn)],
])('%s is uniform between its bounds', (_, make, low, high) => {
  const { data, shape: made } = make()
  expect(made).toEqual(shape)
  const { mean, std, least, most } = moments(data)
  const width = high - low
  expect(least).toBeGreaterThanOrEqual(Math.fround(low))
  expect(most).toBeLessThanOrEqual(Math.fround(high))
  expect(least).toBeLessThan(low + width * 0.002)
  expect(most).toBeGreaterThan(high - width * 0.002)
  // Five standard errors.
  expect(Math.abs(mean - (low + high) / 2)).toBeLessThan((5 * width) / Math.sqrt(12 * data.length))
  expect(std).toBeCloseTo(width / Math.sqrt(12), 2)
})

it.each([
  ['normalInit', () => normalInit(shape, 2, 0.5), 2, 0.5],
  ['xavierNormal', () => xavierNormal(shape), 0, Math.sqrt(2 / (fanIn + fanOut))],
  ['kaimingNormal', () => kaimingNormal(shape), 0, Math.sqrt(2 / fanIn)],
])('%s is normal with its moments', (_, make, mean, std) => {
  const { data } = make()
  const found = moments(data)
  expect(Math.abs(found.mean - mean)).toBeLessThan((5 * std) / Math.sqrt(data.length))
  expect(found.std / std).toBeCloseTo(1, 1.5)
  const inside = Array.from(data).filter((value) => Math.abs(value - mean) < std).length / data.length
  expect(inside).toBeCloseTo(0.6827, 1.5)
})

it('constants are constant', () => {
  expect([...zeros([2]).data, ...ones([2]).data, ...constantInit([1], 0.5).data]).toEqual([0, 0, 1, 1, 0.5])
  expect(zeros([]).data.length).toBe(1)
  expect(zeros([0, 3]).data.length).toBe(0)
})

it('the seed decides the weights', () => {
  const draw = (seed: number) => {
    seedInitialisation(seed)
    return [...normalInit([8]).data, ...uniformInit([8], 0, 1).data]
  }
  expect(draw(3)).toEqual(draw(3))
  expect(draw(3)).not.toEqual(draw(4))
})

it('a layer without inputs gets zeros', () => {
  expect([...defaultUniform([2], 0).data]).toEqual([0, 0])
})

it('generators of different keys are unrelated, those of equal keys equal', () => {
  const first = (...key: number[]) => RandomGenerator.forKey(...key).uint32()
  expect(first(1, 2)).toBe(first(1, 2))
  const seen = new Set<number>()
  for (let seed = 0; seed < 20; seed++) for (let epoch = 0; epoch < 20; epoch++) seen.add(first(seed, epoch))
  expect(seen.size).toBe(400)
  expect(first(2 ** 40)).not.toBe(first(0))
})

it('shuffles are permutations, and each place gets each item about equally often', () => {
  const counts = Array.from({ length: 5 }, () => new Array<number>(5).fill(0))
  const generator = new RandomGenerator(2)
  for (let turn = 0; turn < 5000; turn++) {
    const shuffled = generator.shuffle([0, 1, 2, 3, 4])
    expect([...shuffled].sort()).toEqual([0, 1, 2, 3, 4])
    shuffled.forEach((item, place) => {
      counts[place]![item]!++
    })
  }
  for (const count of counts.flat()) expect(Math.abs(count - 1000)).toBeLessThan(150)
})

it('integers stay below their limit', () => {
  const generator = new RandomGenerator(5)
  const drawn = new Set(Array.from({ length: 200 }, () => generator.integer(3)))
  expect([...drawn].sort()).toEqual([0, 1, 2])
})

it('without initialisation weights are zeros, and the generator does not move', () => {
  const drawn = uniformInit([3], 0, 1).data
  seedInitialisation(1)
  expect(withoutInitialisation(() => [...uniformInit([2], 1, 2).data, ...ones([2]).data])).toEqual([0, 0, 0, 0])
  expect(uniformInit([3], 0, 1).data).toEqual(drawn)
})
