import type { BatchedDataset } from './dataset.js'
import { DataError } from './errors.js'

/** Functions of the main thread that a dataset in a worker thread may call. */
export type ThreadCalls = Readonly<Record<string, (...args: never[]) => unknown>>

/**
 * How a worker thread makes a dataset: an export of a module, and what to give it.
 *
 * ```ts
 * // squares.ts: a module of its own, without side effects, since each worker loads it
 * export class Squares extends Dataset<number> {
 *   constructor(readonly options: { count: number }) { ... }
 *   override source() { return { module: import.meta.url, export: 'Squares', config: this.options } }
 * }
 * ```
 *
 * The module may be JavaScript in a package or TypeScript where `tsx` is installed.
 */
export interface DatasetSource {
  /** URL of the module, as a rule `import.meta.url` of the one that has the class. */
  readonly module: string
  /** Name of the export: the dataset's class, or a function that makes it. Both get (config, calls); functions may be async. */
  readonly export: string
  /** Plain data: what can be sent to a thread. */
  readonly config: unknown
  /** What the dataset needs from the main thread, with arguments and results of plain data. There they return promises. */
  readonly calls?: ThreadCalls
}

/** The dataset that a source describes. @throws DataError if the module has no such export. */
export async function openDataset(
  { module, export: name, config }: Omit<DatasetSource, 'calls'>,
  calls: ThreadCalls = {},
): Promise<BatchedDataset> {
  const exports = (await import(module)) as Readonly<Record<string, unknown>>
  const found = exports[name]
  if (typeof found !== 'function') {
    const known = Object.keys(exports).join(', ') || 'none'
    throw new DataError(
      `${module} has no class or function named ${name} to make a dataset with; its exports: ${known}.`,
    )
  }
  const isClass = typeof (found.prototype as Partial<BatchedDataset> | undefined)?.collate === 'function'
  if (isClass) return new (found as new (config: unknown, calls: ThreadCalls) => BatchedDataset)(config, calls)
  return (found as (config: unknown, calls: ThreadCalls) => BatchedDataset | Promise<BatchedDataset>)(config, calls)
}
