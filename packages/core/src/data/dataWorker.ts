import { parentPort, workerData } from 'node:worker_threads'
import { BatchMaker } from './batchMaker.js'
import { openDataset, type ThreadCalls } from './datasetSource.js'
import { buffersOf, type FromWorker, plainError, type ToWorker, type WorkerSettings } from './dataWorkers.js'

/** Entry of a worker thread of `dataWorkers.ts`: makes the batches it is sent. */
const port = parentPort!
const { dataset: source, calls: names, seed } = workerData as WorkerSettings

const waiting = new Map<number, { resolve(value: unknown): void; reject(error: Error): void }>()
let called = 0
const call = (name: string, args: readonly unknown[]): Promise<unknown> =>
  new Promise((resolve, reject) => {
    const id = called++
    waiting.set(id, { resolve, reject })
    port.postMessage({ kind: 'call', id, name, args } satisfies FromWorker)
  })
const calls: ThreadCalls = Object.fromEntries(names.map((name) => [name, (...args) => call(name, args)]))

const opening = openDataset(source, calls).then((dataset) => ({ dataset, maker: new BatchMaker(dataset, seed) }))
// A failure is told with each batch that is asked for.
opening.catch(() => undefined)

port.on('message', async (message: ToWorker) => {
  const { id } = message
  if (message.kind === 'returned') {
    const { resolve, reject } = waiting.get(id)!
    waiting.delete(id)
    if (message.error) reject(Object.assign(new Error(message.error.message), message.error))
    else resolve(message.value)
    return
  }
  try {
    const { dataset, maker } = await opening
    const batch = await maker.make(message.job)
    const made = { batch, problems: dataset.takeProblems?.() }
    port.postMessage({ kind: 'made', id, made } satisfies FromWorker, buffersOf(batch))
  } catch (error) {
    port.postMessage({ kind: 'failed', id, error: plainError(error) } satisfies FromWorker)
  }
})
