import { afterEach, describe, expect, it } from 'vitest'
import { DataLoader, type DataLoaderOptions } from '../../src/data/dataLoader.js'
import { type Batch, Dataset } from '../../src/data/dataset.js'
import type { DatasetSource } from '../../src/data/datasetSource.js'
import { DataError, DataWorkerError } from '../../src/data/errors.js'
import { CountedDataset, type CountedOptions, CountedShards } from './countedDatasets.js'

const loaders: DataLoader[] = []
afterEach(async () => {
  await Promise.all(loaders.splice(0).map((loader) => loader.close()))
})

function open(dataset: CountedDataset | CountedShards, options: DataLoaderOptions): DataLoader {
  const loader = new DataLoader(dataset, options)
  loaders.push(loader)
  return loader
}

async function collect(loader: DataLoader, epoch = 0, start?: number, end?: number) {
  const batches: { position: number; batch: Batch | undefined }[] = []
  for await (const made of loader.epoch(epoch, start, end)) batches.push(made)
  return batches
}

const indexed = (workers: number, options: CountedOptions = { lengths: [37] }) =>
  open(new CountedDataset(options), { batch_size: 4, shuffle: true, bucketing: 2, seed: 5, num_workers: workers })

const sharded = (workers: number, options: CountedOptions = { lengths: [11, 0, 4, 17] }, drop_last = false) =>
  open(new CountedShards(options), { batch_size: 3, seed: 5, num_workers: workers, drop_last })

describe('worker threads', () => {
  it.each([
    ['indexed', indexed],
    ['iterable', sharded],
  ] as const)('%s: give the same batches in any number, also from the middle of an epoch', async (_, make) => {
    const expected = [await collect(make(0), 0), await collect(make(0), 1)]
    expect(expected[0]).not.toEqual(expected[1])
    for (const workers of [2, 3]) {
      const loader = make(workers)
      expect(await collect(loader, 0)).toEqual(expected[0])
      expect(await collect(loader, 1)).toEqual(expected[1])
      expect(await collect(loader, 1, 4, 8)).toEqual(expected[1]!.slice(4, 8))
      expect(await collect(loader, 0, 5)).toEqual(expected[0]!.slice(5))
    }
  })

  it('make batches ahead, and survive a reader that leaves', async () => {
    const loader = indexed(2)
    const expected = await collect(indexed(0))
    for await (const { position, batch } of loader.epoch(0)) {
      expect(batch).toEqual(expected[position]!.batch)
      if (position === 1) break
    }
    expect(await collect(loader)).toEqual(expected)
    await loader.close()
    expect(await collect(loader)).toEqual(expected)
  })

  it('tell what they left out through the dataset of the main thread', async () => {
    const options = { lengths: [37], skip: [3, 30, 31] }
    const loader = indexed(2, options)
    await collect(loader)
    const plain = indexed(0, options)
    await collect(plain)
    const numbers = (lines: readonly string[] | undefined) => lines!.flatMap((line) => line.match(/\d+/g)!).sort()
    expect(numbers(loader.dataset.problems?.())).toEqual(numbers(plain.dataset.problems?.()))
    expect(numbers(['3 30 31'])).toEqual(['3', '30', '31'])
    expect(loader.dataset.problems?.()).toEqual([])
  })

  it('throw what a sample throws when its batch’s turn comes, and go on', async () => {
    const loader = open(new CountedDataset({ lengths: [12], broken: [5] }), { batch_size: 2, num_workers: 2 })
    const seen: number[] = []
    const read = async () => {
      for await (const { position } of loader.epoch(0)) seen.push(position)
    }
    const error = await read().then(
      () => undefined,
      (thrown: unknown) => thrown,
    )
    expect(seen).toEqual([0, 1])
    expect(error).toBeInstanceOf(DataWorkerError)
    expect(error).toMatchObject({
      message: expect.stringMatching(/RangeError: sample 5 is broken/),
      original: { name: 'RangeError', code: 'BROKEN' },
    })
    expect((await collect(loader, 0, 3)).map(({ position }) => position)).toEqual([3, 4, 5])
  })

  it('that end are an error, not a hang', async () => {
    const loader = open(new CountedDataset({ lengths: [12], deadly: 5 }), { batch_size: 2, num_workers: 1 })
    await expect(collect(loader)).rejects.toThrow(/Data worker 0 ended with exit code 3/)
    // A new thread takes over.
    expect(await collect(loader, 0, 4)).toHaveLength(2)
  })

  it('call functions of the main thread', async () => {
    const asked: number[] = []
    const calls = {
      bonus: async (index: number) => {
        if (index === 9) throw new Error('nine is too many')
        asked.push(index)
        return 1e9
      },
    }
    const dataset = new CountedDataset({ lengths: [10], asks: true }, calls)
    const loader = open(dataset, { batch_size: 3, num_workers: 2 })
    const plain = open(dataset, { batch_size: 3 })
    expect(await collect(loader, 0, 0, 3)).toEqual(await collect(plain, 0, 0, 3))
    expect(asked.sort()).toEqual([0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7, 8, 8])
    await expect(collect(loader, 0, 3)).rejects.toThrow(/nine is too many/)
  })

  it('need a dataset that says how they make it', () => {
    class Sourceless extends Dataset<number, number> {
      readonly outputTypes = {}
      readonly length = 3
      override async get() {
        return 1
      }
      override collate(samples: readonly number[]): Batch<number> {
        return { arrays: {}, samples }
      }
    }
    expect(() => new DataLoader(new Sourceless(), { num_workers: 1 })).toThrow(
      /Sourceless does not say how a worker thread makes it.*source.*num_workers: 0/,
    )
    class Mute extends Sourceless {
      override source(): DatasetSource {
        return { module: import.meta.url, export: 'Mute', config: {} }
      }
      override problems() {
        return []
      }
    }
    expect(() => new DataLoader(new Mute(), { num_workers: 1 })).toThrow(/takeProblems and addProblems/)
  })

  it('say what is wrong with a source', async () => {
    class Lost extends CountedDataset {
      override source(): DatasetSource {
        return { ...super.source(), export: 'Nothing' }
      }
    }
    const lost = open(new Lost({ lengths: [3] }), { num_workers: 1 })
    await expect(collect(lost)).rejects.toThrow(/no class or function named Nothing.*CountedDataset, CountedShards/)
    const unsendable = open(new CountedDataset({ lengths: [3], skip: (() => []) as never }), { num_workers: 1 })
    await expect(collect(unsendable)).rejects.toThrow(/CountedDataset.*plain data/)
  })
})

describe('an iterable dataset', () => {
  it('gives a batch of each shard in turn, each item once', async () => {
    const loader = sharded(0)
    const batches = await collect(loader)
    const indices = batches.map(({ batch }) => batch!.samples.map((info) => (info as { index: number }).index))
    expect(indices.map((batch) => Math.floor(batch[0]! / 100))).toEqual([0, 2, 3, 0, 2, 3, 0, 3, 0, 3, 3, 3])
    expect(indices.map((batch) => batch.length)).toEqual([3, 3, 3, 3, 1, 3, 3, 3, 2, 3, 3, 2])
    expect(loader.length).toBe(12)
    expect(new Set(indices.flat()).size).toBe(32)
    const dropping = sharded(0, { lengths: [11, 0, 4, 17] }, true)
    expect(dropping.length).toBe(3 + 0 + 1 + 5)
    expect((await collect(dropping)).every(({ batch }) => batch!.samples.length === 3)).toBe(true)
  })

  it('is read, not made, up to where an epoch is resumed', async () => {
    const dataset = new CountedShards({ lengths: [9] })
    await collect(open(dataset, { batch_size: 3 }), 0, 2)
    expect(dataset.made).toEqual(['0:6', '0:7', '0:8'])
  })

  it('batches of left-out items keep their place', async () => {
    const loader = open(new CountedShards({ lengths: [2, 2], skip: [0, 1] }), { batch_size: 2 })
    expect((await collect(loader)).map(({ batch }) => batch?.samples.length)).toEqual([undefined, 2])
  })

  it('must hold what it says', async () => {
    const short = open(new CountedShards({ lengths: [5, 9], held: [5, 7] }), { batch_size: 3 })
    await expect(collect(short)).rejects.toThrow(
      /Shard 1 of CountedShards ended after 7 items; its shardLengths says 9/,
    )
    const long = open(new CountedShards({ lengths: [5, 6], held: [5, 7] }), { batch_size: 3 })
    await expect(collect(long)).rejects.toThrow(/Shard 1 of CountedShards has more items than the 6/)
    expect(() => open(new CountedShards({ lengths: [5] }), { shuffle: true })).toThrow(DataError)
    expect(() => open(new CountedShards({ lengths: [5] }), { bucketing: 2 })).toThrow(/shuffleBuffer/)
  })
})
