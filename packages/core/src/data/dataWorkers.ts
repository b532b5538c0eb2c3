import type { Worker } from 'node:worker_threads'
import type { TensorData } from '@nemo/graph'
import { nodeModule } from '../config/nodeModule.js'
import type { BatchJob } from './batchMaker.js'
import type { Batch, BatchedDataset } from './dataset.js'
import type { DatasetSource, ThreadCalls } from './datasetSource.js'
import { DataError, DataWorkerError } from './errors.js'

/** What a worker thread starts with. */
export interface WorkerSettings {
  readonly dataset: Omit<DatasetSource, 'calls'>
  /** Names of the main thread's functions that the dataset may call. */
  readonly calls: readonly string[]
  readonly seed: number
}

/** A batch from a worker thread, and what its dataset found meanwhile. */
export interface MadeBatch {
  readonly batch: Batch | undefined
  readonly problems: unknown
}

/** An error as plain data. */
export type PlainError = DataWorkerError['original']

/** Messages to a worker thread: a batch to make, or what a function gave. */
export type ToWorker =
  | { readonly kind: 'make'; readonly id: number; readonly job: BatchJob }
  | { readonly kind: 'returned'; readonly id: number; readonly value?: unknown; readonly error?: PlainError }

/** Messages from a worker thread: a batch, why there is none, or a function to call. */
export type FromWorker =
  | { readonly kind: 'made'; readonly id: number; readonly made: MadeBatch }
  | { readonly kind: 'failed'; readonly id: number; readonly error: PlainError }
  | { readonly kind: 'call'; readonly id: number; readonly name: string; readonly args: readonly unknown[] }

/** An error as plain data, for another thread. */
export function plainError(error: unknown): PlainError {
  if (!(error instanceof Error)) return { name: 'Error', message: String(error) }
  const { name, message, stack } = error
  const code = (error as { code?: unknown }).code
  return { name, message, ...(stack !== undefined && { stack }), ...(typeof code === 'string' && { code }) }
}

/** Threads that make batches of a dataset. They start with the first batch and let the process end when they are idle. */
export class DataWorkers {
  readonly #threads: DataThread[]

  /** @throws DataError if the dataset does not say how a thread makes it. */
  constructor(dataset: BatchedDataset, count: number, seed: number) {
    const source = dataset.source?.()
    const name = dataset.constructor.name
    if (!source)
      throw new DataError(
        `${name} does not say how a worker thread makes it. Give it a source ({ module: import.meta.url, export, config }), or set num_workers: 0.`,
      )
    if (dataset.problems && !(dataset.takeProblems && dataset.addProblems))
      throw new DataError(
        `${name} tells problems, which would be lost in worker threads. Give it takeProblems and addProblems, or set num_workers: 0.`,
      )
    const { workerData } = nodeModule('node:worker_threads')
    if (isWorkerSettings(workerData))
      throw new DataError(
        `${workerData.dataset.module} starts worker threads when a worker thread loads it. Put ${workerData.dataset.export} into a module of its own.`,
      )
    this.#threads = Array.from({ length: count }, (_, i) => new DataThread(source, seed, i))
  }

  /** Makes a batch in the thread of this number, modulo their count. */
  make(job: BatchJob, number: number): Promise<MadeBatch> {
    return this.#threads[number % this.#threads.length]!.make(job)
  }

  /** Ends the threads; batches that they have not made are rejected. */
  async close(): Promise<void> {
    await Promise.all(this.#threads.map((thread) => thread.close()))
  }
}

class DataThread {
  readonly #source: DatasetSource
  readonly #calls: ThreadCalls
  readonly #seed: number
  readonly #name: string
  readonly #pending = new Map<number, { resolve(made: MadeBatch): void; reject(error: Error): void }>()
  #worker: Worker | undefined
  #next = 0

  constructor(source: DatasetSource, seed: number, number: number) {
    this.#source = source
    this.#calls = source.calls ?? {}
    this.#seed = seed
    this.#name = `Data worker ${number}`
  }

  make(job: BatchJob): Promise<MadeBatch> {
    const id = this.#next++
    return new Promise((resolve, reject) => {
      const worker = this.#start()
      this.#pending.set(id, { resolve, reject })
      worker.ref()
      worker.postMessage({ kind: 'make', id, job } satisfies ToWorker)
    })
  }

  async close(): Promise<void> {
    const worker = this.#worker
    this.#worker = undefined
    this.#fail(new DataError(`${this.#name} was closed.`))
    await worker?.terminate()
  }

  #start(): Worker {
    if (this.#worker) return this.#worker
    const { calls, ...dataset } = this.#source
    const worker = startThread({ dataset, calls: Object.keys(this.#calls), seed: this.#seed })
    this.#worker = worker
    worker.on('message', (message: FromWorker) => this.#receive(worker, message))
    const ended = (reason: string) => {
      if (this.#worker !== worker) return
      this.#worker = undefined
      this.#fail(new DataError(`${this.#name} ${reason}.`))
    }
    worker.on('error', (error) => ended(`failed: ${error.message}`))
    worker.on('exit', (code) => ended(`ended with exit code ${code}`))
    return worker
  }

  #fail(error: Error): void {
    for (const { reject } of this.#pending.values()) reject(error)
    this.#pending.clear()
  }

  #receive(worker: Worker, message: FromWorker): void {
    if (message.kind === 'call') {
      void this.#call(worker, message)
      return
    }
    const waiting = this.#pending.get(message.id)
    this.#pending.delete(message.id)
    if (this.#pending.size === 0) worker.unref()
    if (message.kind === 'made') waiting?.resolve(message.made)
    else waiting?.reject(new DataWorkerError(message.error))
  }

  async #call(worker: Worker, { id, name, args }: Extract<FromWorker, { kind: 'call' }>): Promise<void> {
    const reply = (message: { value?: unknown; error?: PlainError }) =>
      worker.postMessage({ kind: 'returned', id, ...message } satisfies ToWorker)
    try {
      reply({ value: await this.#calls[name]!(...(args as never[])) })
    } catch (error) {
      reply({ error: plainError(error) })
    }
  }
}

function isWorkerSettings(data: unknown): data is WorkerSettings {
  return typeof data === 'object' && data !== null && 'dataset' in data && 'calls' in data && 'seed' in data
}

const TYPESCRIPT = /\.[cm]?tsx?$/

function startThread(settings: WorkerSettings): Worker {
  const { Worker } = nodeModule('node:worker_threads')
  const self = import.meta.url
  const { module, export: name } = settings.dataset
  try {
    if (!TYPESCRIPT.test(self) && !TYPESCRIPT.test(module))
      return new Worker(new URL('./dataWorker.js', import.meta.url), { workerData: settings })
    // A thread does not inherit tsx from `node --import tsx`, so it registers it itself.
    const entry = new URL(TYPESCRIPT.test(self) ? './dataWorker.ts' : './dataWorker.js', self).href
    const boot = `import(${JSON.stringify(findTsx(module))}).then(({ register }) => { register(); return import(${JSON.stringify(entry)}) })`
    // Our own sources find each other by this condition; vitest does not hand it on.
    const execArgv = TYPESCRIPT.test(self) ? { execArgv: ['--conditions=@nemo/source'] } : {}
    return new Worker(boot, { eval: true, workerData: settings, ...execArgv })
  } catch (cause) {
    if (cause instanceof DataError) throw cause
    const why = cause instanceof Error ? cause.message : String(cause)
    throw new DataError(
      `No worker thread can be started for ${name} of ${module}: ${why}. Is source.config plain data?`,
      {
        cause,
      },
    )
  }
}

function findTsx(module: string): string {
  try {
    const path = nodeModule('node:module').createRequire(module).resolve('tsx/esm/api')
    // tsx's CommonJS twin of the module does not work in a thread.
    return nodeModule('node:url').pathToFileURL(path.replace(/\.cjs$/, '.mjs')).href
  } catch (cause) {
    throw new DataError(
      `${module} is TypeScript, which a worker thread loads with tsx, and tsx is not installed there. Compile the module, install tsx, or set num_workers: 0.`,
      { cause },
    )
  }
}

/** Memory of a batch that can change hands: arrays that fill their buffer. Others are copied. */
export function buffersOf(batch: Batch | undefined): ArrayBuffer[] {
  const arrays: readonly TensorData[] = batch ? Object.values(batch.arrays) : []
  const whole = arrays.flatMap(({ data }) =>
    ArrayBuffer.isView(data) && data.buffer instanceof ArrayBuffer && data.byteLength === data.buffer.byteLength
      ? [data.buffer]
      : [],
  )
  return [...new Set(whole)]
}
