import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { PortTypes } from '../neuralTypes/ports.js'
import { DataLoader, type DataLoaderOptions } from './dataLoader.js'
import { type Batch, Dataset, type SampleContext } from './dataset.js'
import { int64Vector, padRows } from './pad.js'

/** Numbers 0 to length - 1; some are left out, some cannot be made. Counts what is being made at the same time. */
class Numbers extends Dataset<number, number> {
  readonly outputTypes: PortTypes = {}
  readonly asked: SampleContext[] = []
  readonly collated: number[][] = []
  constructor(
    readonly length: number,
    readonly options: {
      readonly skip?: readonly number[]
      readonly broken?: readonly number[]
      readonly sizes?: readonly number[]
    } = {},
  ) {
    super()
  }
  override async get(context: SampleContext): Promise<number | undefined> {
    this.asked.push(context)
    // Later samples are done first: order must not depend on it.
    for (let i = 0; i < (7 - (context.index % 7)) * 2; i++) await Promise.resolve()
    if (this.options.broken?.includes(context.index)) throw new Error(`sample ${context.index}`)
    return this.options.skip?.includes(context.index) ? undefined : context.index
  }
  override collate(samples: readonly number[]): Batch<number> {
    this.collated.push([...samples])
    return { arrays: { x: int64Vector(samples) }, samples }
  }
  override sizeOf(index: number): number {
    return this.options.sizes?.[index] ?? index
  }
}

const loader = (length: number, options: DataLoaderOptions = {}, data: ConstructorParameters<typeof Numbers>[1] = {}) =>
  new DataLoader(new Numbers(length, data), options)

async function collect(from: DataLoader<number>, epoch = 0, start?: number, end?: number) {
  const batches: [number, readonly number[] | undefined][] = []
  for await (const { position, batch } of from.epoch(epoch, start, end)) batches.push([position, batch?.samples])
  return batches
}

describe('order', () => {
  it('is that of the data without shuffle', () => {
    expect(loader(5, { batch_size: 2 }).order(3)).toEqual([[0, 1], [2, 3], [4]])
  })

  it('is a permutation that depends on seed and epoch alone', () => {
    const settings = fc.record({
      length: fc.integer({ min: 0, max: 60 }),
      batch_size: fc.integer({ min: 1, max: 9 }),
      drop_last: fc.boolean(),
      shuffle: fc.boolean(),
      bucketing: fc.integer({ min: 0, max: 4 }),
      seed: fc.integer(),
    })
    fc.assert(
      fc.property(settings, fc.nat(20), ({ length, ...options }, epoch) => {
        const made = loader(length, options)
        const order = made.order(epoch)
        expect(loader(length, options).order(epoch)).toEqual(order)
        expect(order.length).toBe(made.length)
        const all = order.flat()
        expect(new Set(all).size).toBe(all.length)
        const expected = options.drop_last ? length - (length % options.batch_size) : length
        expect(all.length).toBe(expected)
        for (const index of all) expect(index).toBeLessThan(length)
        // All batches are full but one, and it is the last, unless batches are shuffled.
        expect(order.filter((batch) => batch.length < options.batch_size).length).toBeLessThanOrEqual(1)
      }),
      { numRuns: 200 },
    )
  })

  it('changes with the epoch and the seed under shuffle', () => {
    const made = loader(40, { shuffle: true, seed: 1 })
    expect(made.order(1)).not.toEqual(made.order(0))
    expect(loader(40, { shuffle: true, seed: 2 }).order(0)).not.toEqual(made.order(0))
  })

  it('by buckets puts samples of like sizes together and reaches every sample', () => {
    const sizes = Array.from({ length: 64 }, (_, i) => (i * 37) % 64)
    const spread = (batches: readonly number[][]) =>
      batches.reduce((sum, batch) => {
        const found = batch.map((index) => sizes[index]!)
        return sum + Math.max(...found) - Math.min(...found)
      }, 0)
    const plain = loader(64, { batch_size: 4, shuffle: true }, { sizes }).order(0)
    const bucketed = loader(64, { batch_size: 4, shuffle: true, bucketing: 16 }, { sizes }).order(0)
    expect(spread(bucketed)).toBe(16 * 3)
    expect(spread(plain)).toBeGreaterThan(300)
    expect(bucketed.flat().sort((a, b) => a - b)).toEqual(Array.from({ length: 64 }, (_, i) => i))
    // In random order, not short ones first.
    const firsts = bucketed.map((batch) => sizes[batch[0]!]!)
    expect(firsts).not.toEqual([...firsts].sort((a, b) => a - b))
  })
})

describe('epoch', () => {
  it('gives the batches in order, whichever samples are done first', async () => {
    expect(await collect(loader(10, { batch_size: 3, prefetch: 4 }))).toEqual([
      [0, [0, 1, 2]],
      [1, [3, 4, 5]],
      [2, [6, 7, 8]],
      [3, [9]],
    ])
  })

  it('goes on in the middle with the very batches that would have come', async () => {
    const options = { batch_size: 3, shuffle: true, bucketing: 2, seed: 8 }
    const all = await collect(loader(31, options), 4)
    for (const start of [0, 1, 5, all.length - 1, all.length, all.length + 3])
      expect(await collect(loader(31, options), 4, start)).toEqual(all.slice(start))
    expect(await collect(loader(31, options), 4, 2, 5)).toEqual(all.slice(2, 5))
  })

  it('tells samples their seed, epoch and index', async () => {
    const dataset = new Numbers(3)
    await collect(new DataLoader(dataset, { batch_size: 2, seed: 6 }), 5)
    expect(dataset.asked).toEqual([0, 1, 2].map((index) => ({ seed: 6, epoch: 5, index })))
  })

  it('leaves samples out; a batch of none keeps its position', async () => {
    expect(await collect(loader(7, { batch_size: 2 }, { skip: [1, 2, 3, 6] }))).toEqual([
      [0, [0]],
      [1, undefined],
      [2, [4, 5]],
      [3, undefined],
    ])
  })

  it.each([0, 1, 2, 5])('makes no more than %i batches ahead', async (prefetch) => {
    const dataset = new Numbers(40)
    let given = 0
    for await (const _ of new DataLoader(dataset, { batch_size: 2, prefetch }).epoch(0)) {
      given++
      // Time for whatever is being made.
      for (let i = 0; i < 200; i++) await Promise.resolve()
      expect(dataset.asked.length).toBe(Math.min(40, 2 * (given + prefetch)))
    }
    expect(given).toBe(20)
  })

  it('makes nothing beyond its end', async () => {
    const dataset = new Numbers(40)
    await collect(new DataLoader(dataset, { batch_size: 2, prefetch: 8 }), 0, 0, 3)
    expect(dataset.asked.length).toBe(6)
  })

  it('an error comes at its batch, once, and ends the epoch', async () => {
    for (const prefetch of [0, 3]) {
      const seen: number[] = []
      const errors: string[] = []
      const iterator = loader(10, { batch_size: 2, prefetch }, { broken: [5, 6, 7] }).epoch(0)
      for (;;) {
        try {
          const next = await iterator.next()
          if (next.done) break
          seen.push(next.value.position)
        } catch (error) {
          errors.push((error as Error).message)
        }
      }
      expect(seen).toEqual([0, 1])
      expect(errors).toEqual(['sample 5'])
    }
  })

  it('a consumer that leaves early leaves no unhandled errors behind', async () => {
    const unhandled: unknown[] = []
    const listen = (error: unknown) => unhandled.push(error)
    process.on('unhandledRejection', listen)
    for await (const { position } of loader(10, { batch_size: 2, prefetch: 4 }, { broken: [4, 6] }).epoch(0))
      if (position === 0) break
    await new Promise((resolve) => setTimeout(resolve, 10))
    process.off('unhandledRejection', listen)
    expect(unhandled).toEqual([])
  })

  it('an empty data set has no batches', async () => {
    expect(loader(0).length).toBe(0)
    expect(await collect(loader(0))).toEqual([])
  })

  it('two epochs at the same time do not disturb each other', async () => {
    const made = loader(12, { batch_size: 3, shuffle: true })
    const [first, second] = await Promise.all([collect(made, 0), collect(made, 1)])
    expect(first).toEqual(await collect(made, 0))
    expect(second).toEqual(await collect(made, 1))
  })
})

it.each([
  ['batch_size', 0],
  ['batch_size', 1.5],
  ['prefetch', -1],
  ['bucketing', -2],
  ['seed', 0.5],
])('%s cannot be %d', (key, value) => {
  expect(() => loader(4, { [key]: value })).toThrow(new RegExp(`${key}: expected a whole number.*found ${value}`))
})

it('buckets need a data set that tells sizes', () => {
  const dataset = new Numbers(4)
  Object.defineProperty(dataset, 'sizeOf', { value: undefined })
  expect(() => new DataLoader(dataset, { bucketing: 2 })).toThrow(/Numbers does not tell the sizes/)
})

it('rows are filled up at their ends', () => {
  const padded = padRows([Float32Array.of(1, 2, 3), Float32Array.of(4), new Float32Array(0)], 'float32', -1)
  expect(padded.shape).toEqual([3, 3])
  expect([...padded.data]).toEqual([1, 2, 3, 4, -1, -1, -1, -1, -1])
  expect(padRows([BigInt64Array.of(1n), BigInt64Array.of(2n, 3n)], 'int64', 9n).data).toEqual(
    BigInt64Array.of(1n, 9n, 2n, 3n),
  )
  expect(padRows([], 'float32').shape).toEqual([0, 0])
  expect(int64Vector([3, 4])).toEqual({ dtype: 'int64', shape: [2], data: BigInt64Array.of(3n, 4n) })
})
