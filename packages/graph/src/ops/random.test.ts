import { describe, expect, test } from 'vitest'
import { runOnce } from '../../test/runOnce.js'
import { compile } from '../compile.js'
import { FeedError } from '../errors.js'
import { grad } from '../grad.js'
import { ort } from '../runtime/ort/ort.js'
import type { Tensor } from '../tensor.js'
import { mul } from './arithmetic.js'
import { constant, input } from './leaves.js'
import { dropout, randomBits, randomIntegers, randomNormal, randomUniform, withRandomStreams } from './random.js'
import { reduceSum } from './reduction.js'

// The generator written out: what every executor must give, bit for bit.
function expectedBits(seed: number, step: number, stream: number, count: number): number[] {
  const [GOLDEN, FIRST, SECOND] = [0x9e3779b9, 0x7feb352d, 0x846ca68b]
  const finish = (x: number, addend = 0) => {
    let y = (Math.imul(x ^ (x >>> 16), FIRST) + addend) | 0
    y = Math.imul(y ^ (y >>> 15), SECOND)
    return (y ^ (y >>> 16)) >>> 0
  }
  const first = finish((Math.imul(seed, GOLDEN) + Math.imul(stream, SECOND)) | 0)
  const second = finish(first ^ Math.imul(step, FIRST))
  return Array.from({ length: count }, (_, i) => finish((Math.imul(i, GOLDEN) + second) | 0, first | 0))
}

const numbers = (data: ArrayLike<number | bigint>): number[] => Array.from(data, Number)
async function draw(build: () => Tensor, seed: number, step = 0, stream = 0): Promise<number[]> {
  const { y } = await runOnce({ y: withRandomStreams(build, stream) }, {}, { seed, step })
  return numbers(y.data)
}
const bits = (count: number) => () => randomBits([count])

describe('RandomBits', () => {
  test('is the same function of seed, step, stream and position everywhere', async () => {
    for (const [seed, step, stream] of [
      [0, 0, 0],
      [1, 0, 0],
      [0, 1, 0],
      [0, 0, 1],
      [123456789, 987654, 42],
      [2 ** 31 - 1, 2 ** 31 - 1, 1000],
    ] as const) {
      expect(await draw(bits(300), seed, step, stream)).toEqual(expectedBits(seed, step, stream, 300))
    }
  })

  test('starts with these words', async () => {
    expect(await draw(bits(4), 1234, 5, 6)).toMatchInlineSnapshot(`
      [
        3672400615,
        2034727161,
        4026377913,
        2711572644,
      ]
    `)
  })

  test('gives the same words under any shape', async () => {
    const flat = await draw(bits(24), 7)
    expect(await draw(() => randomBits([2, 3, 4]), 7)).toEqual(flat)
  })

  test('fills symbolic shapes, empty ones too', async () => {
    const x = input('x', 'float32', ['B', 'T'])
    const y = withRandomStreams(() => randomBits(['T', 'B'], [x]))
    for (const [b, t] of [
      [3, 5],
      [0, 4],
      [1, 1],
    ] as const) {
      const found = await runOnce(
        { y },
        { x: { dtype: 'float32', shape: [b, t], data: new Float32Array(b * t) } },
        { seed: 3 },
      )
      expect(found.y.shape).toEqual([t, b])
      expect(numbers(found.y.data)).toEqual(expectedBits(3, 0, 0, b * t))
    }
  })

  test('every call while building has a stream of its own', async () => {
    const [a, b] = withRandomStreams(() => [randomBits([50]), randomBits([50])])
    const found = await runOnce({ a: a!, b: b! }, {}, { seed: 1 })
    expect(numbers(found.a.data)).toEqual(expectedBits(1, 0, 0, 50))
    expect(numbers(found.b.data)).toEqual(expectedBits(1, 0, 1, 50))
  })

  test('two draws of equal shape are not merged into one', async () => {
    const [a, b] = withRandomStreams(() => [randomUniform([8]), randomUniform([8])])
    const found = await runOnce({ a: a!, b: b! }, {}, { seed: 1 })
    expect([...found.a.data]).not.toEqual([...found.b.data])
  })

  test('every byte is uniform: chi-squared over 256 values', async () => {
    const words = await draw(bits(65536), 11)
    for (const shift of [0, 8, 16, 24]) {
      const counts = new Array<number>(256).fill(0)
      for (const word of words) counts[(word >>> shift) & 255]!++
      const chi = counts.reduce((sum, n) => sum + (n - 256) ** 2 / 256, 0)
      // 255 degrees of freedom: mean 255, deviation 22.6
      expect(Math.abs(chi - 255)).toBeLessThan(4.5 * 22.6)
    }
  })

  test('neighbouring seeds, steps, streams and positions share half of their bits', async () => {
    const count = 4096
    const base = await draw(bits(count), 5, 5, 5)
    const others = [
      await draw(bits(count), 6, 5, 5),
      await draw(bits(count), 5, 6, 5),
      await draw(bits(count), 5, 5, 6),
      [...base.slice(1), base[0]!],
    ]
    for (const other of others) {
      let equal = 0
      base.forEach((word, i) => {
        for (let x = ~(word ^ other[i]!) >>> 0; x; x &= x - 1) equal++
      })
      // A fair coin tossed 131072 times: deviation 181
      expect(Math.abs(equal - 16 * count)).toBeLessThan(5 * 181)
    }
  })
})

describe('distributions', () => {
  test('uniform numbers fill [low, high) evenly', async () => {
    const values = await draw(() => randomUniform([20000], -2, 3), 21)
    expect(Math.min(...values)).toBeGreaterThanOrEqual(-2)
    expect(Math.max(...values)).toBeLessThan(3)
    const counts = new Array<number>(10).fill(0)
    for (const v of values) counts[Math.floor((v + 2) * 2)]!++
    expect(counts.reduce((sum, n) => sum + (n - 2000) ** 2 / 2000, 0)).toBeLessThan(30)
  })

  test('normal numbers have mean 0, variance 1, no skew, kurtosis 3 and no infinity', async () => {
    const values = await draw(() => randomNormal([40000]), 22)
    const moment = (k: number) => values.reduce((sum, v) => sum + v ** k, 0) / values.length
    expect(values.every(Number.isFinite)).toBe(true)
    expect(Math.abs(moment(1))).toBeLessThan(0.025)
    expect(Math.abs(moment(2) - 1)).toBeLessThan(0.04)
    expect(Math.abs(moment(3))).toBeLessThan(0.1)
    expect(Math.abs(moment(4) - 3)).toBeLessThan(0.25)
  })

  test('integers are uniform in [0, limit], both ends included, with a limit per item', async () => {
    const values = await draw(() => randomIntegers([4000, 3], constant([0, 3, 9], 'int64')), 23)
    const columns = [0, 1, 2].map((c) => values.filter((_, i) => i % 3 === c))
    expect(new Set(columns[0])).toEqual(new Set([0]))
    for (const [column, limit] of [
      [columns[1]!, 3],
      [columns[2]!, 9],
    ] as const) {
      const counts = new Array<number>(limit + 1).fill(0)
      for (const v of column) counts[v]!++
      const expected = 4000 / (limit + 1)
      expect(counts.reduce((sum, n) => sum + (n - expected) ** 2 / expected, 0)).toBeLessThan(30)
    }
  })
})

describe('dropout', () => {
  const x = input('x', 'float32', ['N'])
  const ones = new Float32Array(20000).fill(1)
  const dropped = withRandomStreams(() => dropout(x, 0.3))
  const gradient = grad(reduceSum(mul(dropped, 2)), [x])[0]!

  test('keeps the expectation', async () => {
    const { y } = await runOnce({ y: dropped }, { x: ones }, { seed: 1 })
    const values = numbers(y.data)
    expect(new Set(values)).toEqual(new Set([0, Math.fround(1 / 0.7)]))
    expect(Math.abs(values.reduce((a, b) => a + b, 0) / values.length - 1)).toBeLessThan(0.03)
  })

  test('sends the gradient through the very elements that were kept', async () => {
    const { y, g } = await runOnce({ y: dropped, g: gradient }, { x: ones }, { seed: 1, step: 3 })
    expect(numbers(g.data)).toEqual(numbers(y.data).map((v) => 2 * v))
  })

  test('repeats with seed and step, and changes with either', async () => {
    const program = await compile({ y: dropped }, { runtime: ort({ threads: 1 }) })
    const run = async (seed: number, step?: number) =>
      numbers((await program.run({ x: ones }, { seed, ...(step !== undefined && { step }) })).y.data)
    expect(await run(1, 2)).toEqual(await run(1, 2))
    expect(await run(1)).toEqual(await run(1, 0))
    expect(await run(1, 2)).not.toEqual(await run(1, 3))
    expect(await run(1, 2)).not.toEqual(await run(2, 2))
  })

  test('of 0 is the tensor itself, of 1 is all zeros, outside is an error', async () => {
    expect(dropout(x, 0)).toBe(x)
    const { y } = await runOnce({ y: dropout(x, 1) }, { x: [1, 2] })
    expect(numbers(y.data)).toEqual([0, 0])
    expect(() => dropout(x, 1.5)).toThrow(RangeError)
    expect(() => dropout(x, -0.1)).toThrow(RangeError)
  })

  test('a program that draws wants a seed', async () => {
    await expect(runOnce({ y: dropped }, { x: [1] })).rejects.toThrow(FeedError)
  })
})
