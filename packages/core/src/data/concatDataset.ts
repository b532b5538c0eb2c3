import { RandomGenerator } from '../modules/randomGenerator.js'
import type { PortTypes } from '../neuralTypes/ports.js'
import { type Batch, Dataset, type SampleContext } from './dataset.js'
import { type DatasetSource, openDataset, type ThreadCalls } from './datasetSource.js'
import { DataError } from './errors.js'

/** How datasets are mixed; keys of NeMo's concatenated datasets. */
export interface ConcatOptions {
  /**
   * `random`: by probability; `temperature`: by size to the power of 1 / temperature; `round-robin`: in turn. Default
   * `temperature`.
   */
  readonly concat_sampling_technique?: 'random' | 'temperature' | 'round-robin'
  /** Share of each dataset, for `random`; they need not add up to 1. */
  readonly concat_sampling_probabilities?: readonly number[] | null
  /** 1 keeps the datasets' sizes, more makes them alike. Default 5. */
  readonly concat_sampling_temperature?: number
  /** Each dataset in a new order each time it is gone through. Default true. */
  readonly concat_shuffle?: boolean
}

interface Plan {
  readonly key: string
  readonly dataset: Uint16Array
  readonly index: Uint32Array
}

/**
 * Several datasets mixed into one, in shares of their own. An epoch has as many samples as all have together; a dataset with a
 * small share is heard in part, the next part in the same epoch only when all of it was heard. The mix of an epoch is a
 * function of (seed, epoch).
 *
 * Source: NeMo `ConcatDataset`.
 */
export class ConcatDataset<Sample = unknown, Info = unknown> extends Dataset<Sample, Info> {
  readonly #datasets: readonly Dataset<Sample, Info>[]
  readonly #options: ConcatOptions
  readonly #shares: readonly number[]
  #plan: Plan | undefined

  /** @throws DataError if there are no datasets, they feed other ports, or the shares cannot be. */
  constructor(datasets: readonly Dataset<Sample, Info>[], options: ConcatOptions = {}) {
    super()
    const [first] = datasets
    if (!first) throw new DataError('ConcatDataset: expected at least one dataset, found none.')
    const ports = (dataset: Dataset) => Object.keys(dataset.outputTypes).join(', ')
    const other = datasets.find((dataset) => ports(dataset) !== ports(first))
    if (other) throw new DataError(`ConcatDataset: expected ports ${ports(first)} of all, found ${ports(other)}.`)
    this.#datasets = datasets
    this.#options = options
    this.#shares = sharesOf(
      datasets.map(({ length }) => length),
      options,
    )
  }

  get outputTypes(): PortTypes {
    return this.#datasets[0]!.outputTypes
  }

  get length(): number {
    return this.#datasets.reduce((sum, { length }) => sum + length, 0)
  }

  get({ seed, epoch, index }: SampleContext): Promise<Sample | undefined> {
    const plan = this.#planOf(seed, epoch)
    return this.#datasets[plan.dataset[index]!]!.get({ seed, epoch, index: plan.index[index]! })
  }

  collate(samples: readonly Sample[]): Batch<Info> {
    return this.#datasets[0]!.collate(samples)
  }

  #planOf(seed: number, epoch: number): Plan {
    const key = `${seed}/${epoch}`
    if (this.#plan?.key === key) return this.#plan
    const plan: Plan = { key, dataset: new Uint16Array(this.length), index: new Uint32Array(this.length) }
    const random = RandomGenerator.forKey(seed, epoch, 0xc07ca7)
    const turns = this.#datasets.map(
      (dataset) => new Turns(dataset.length, this.#options.concat_shuffle ?? true, random),
    )
    const roundRobin = this.#options.concat_sampling_technique === 'round-robin'
    const nonEmpty = this.#datasets.flatMap(({ length }, i) => (length > 0 ? [i] : []))
    for (let i = 0; i < plan.index.length; i++) {
      const chosen = roundRobin ? nonEmpty[i % nonEmpty.length]! : draw(this.#shares, random.uniform())
      plan.dataset[i] = chosen
      plan.index[i] = turns[chosen]!.next()
    }
    this.#plan = plan
    return plan
  }

  override source(): DatasetSource {
    const sources = this.#datasets.map((dataset) => dataset.source!())
    // Functions of the main thread are told apart by the number of their dataset.
    const calls = Object.fromEntries(
      sources.flatMap((source, i) => Object.entries(source.calls ?? {}).map(([name, call]) => [`${i}/${name}`, call])),
    )
    return {
      module: import.meta.url,
      export: 'openConcatDataset',
      config: { sources: sources.map(({ calls: _, ...source }) => source), options: this.#options },
      calls,
    }
  }

  override problems(): readonly string[] {
    return this.#datasets.flatMap((dataset) => dataset.problems?.() ?? [])
  }

  override takeProblems(): unknown {
    const found = this.#datasets.map((dataset) => dataset.takeProblems?.())
    return found.some((each) => each !== undefined) ? found : undefined
  }

  override addProblems(found: unknown): void {
    for (const [i, each] of (found as readonly unknown[]).entries())
      if (each !== undefined) this.#datasets[i]!.addProblems?.(each)
  }
}

/** Makes the dataset in a worker thread; see `ConcatDataset.source`. */
export async function openConcatDataset(
  { sources, options }: { readonly sources: readonly DatasetSource[]; readonly options: ConcatOptions },
  calls: ThreadCalls,
): Promise<ConcatDataset> {
  const datasets = await Promise.all(
    sources.map((source, i) => {
      const own = Object.entries(calls).filter(([name]) => name.startsWith(`${i}/`))
      const named = Object.fromEntries(own.map(([name, call]) => [name.slice(`${i}/`.length), call]))
      return openDataset(source, named)
    }),
  )
  return new ConcatDataset(datasets as Dataset[], options)
}

/** Positions of a dataset, all of them before any comes again. */
class Turns {
  readonly #order: Uint32Array
  readonly #shuffle: boolean
  readonly #random: RandomGenerator
  #at = 0

  constructor(length: number, shuffle: boolean, random: RandomGenerator) {
    this.#order = Uint32Array.from({ length }, (_, i) => i)
    this.#shuffle = shuffle
    this.#random = random
  }

  next(): number {
    if (this.#at === this.#order.length) this.#at = 0
    if (this.#shuffle) {
      // One step of a Fisher-Yates shuffle, so that a part of a large dataset costs no more than that part.
      const other = this.#at + this.#random.integer(this.#order.length - this.#at)
      const drawn = this.#order[other]!
      this.#order[other] = this.#order[this.#at]!
      this.#order[this.#at] = drawn
    }
    return this.#order[this.#at++]!
  }
}

function sharesOf(lengths: readonly number[], options: ConcatOptions): number[] {
  const { concat_sampling_technique = 'temperature', concat_sampling_probabilities: given } = options
  const { concat_sampling_temperature: temperature = 5 } = options
  if (concat_sampling_technique !== 'random') {
    if (!(temperature > 0)) throw new DataError(`concat_sampling_temperature: expected above 0, found ${temperature}.`)
    return normalized(lengths.map((length) => length ** (1 / temperature)))
  }
  if (given?.length !== lengths.length || given.some((share) => !(share >= 0 && Number.isFinite(share))))
    throw new DataError(
      `concat_sampling_probabilities: expected ${lengths.length} numbers of at least 0, one for each manifest, found ${JSON.stringify(given)}.`,
    )
  const empty = given.findIndex((share, i) => share > 0 && lengths[i] === 0)
  if (empty >= 0) throw new DataError(`concat_sampling_probabilities: dataset ${empty} has a share, but no samples.`)
  return normalized(given)
}

function normalized(shares: readonly number[]): number[] {
  const total = shares.reduce((sum, share) => sum + share, 0)
  if (total === 0) throw new DataError('ConcatDataset: expected a share above 0, found none.')
  return shares.map((share) => share / total)
}

function draw(shares: readonly number[], at: number): number {
  let rest = at
  for (const [i, share] of shares.entries()) {
    rest -= share
    if (rest < 0) return i
  }
  // Shares may add up to a little less than 1.
  return shares.findLastIndex((share) => share > 0)
}
