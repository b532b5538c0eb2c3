import { availableParallelism } from 'node:os'
import { Worker } from 'node:worker_threads'
import type { SpokenDigitsChunk, SpokenDigitsParameters } from './spokenDigits.js'
import { type ChunkResult, SpokenDigitsMaker } from './spokenDigitsMaker.js'

/** `workerData` of a worker. */
export interface WorkerInput {
  dir: string
  parameters: SpokenDigitsParameters
}

/** What a worker sends back for a chunk. */
export type WorkerAnswer = { result: ChunkResult } | { error: Error }

/**
 * Makes chunks of a corpus on worker threads.
 *
 * @param workers - Number of threads; 0 for this one. Default: one for each processor, at most 8.
 * @param onChunk - Called with the number of utterances of each finished chunk.
 * @returns A result for each chunk, in the order of the chunks. Rejects with the first error; all threads have ended then.
 */
export async function makeChunks(
  dir: string,
  parameters: SpokenDigitsParameters,
  chunks: readonly SpokenDigitsChunk[],
  workers: number | undefined,
  onChunk: (utterances: number) => void,
): Promise<ChunkResult[]> {
  const results: ChunkResult[] = []
  let next = 0
  const work = async (make: (chunk: SpokenDigitsChunk) => Promise<ChunkResult>) => {
    for (let at = next++; at < chunks.length; at = next++) {
      const chunk = chunks[at]!
      results[at] = await make(chunk)
      onChunk(chunk.to - chunk.from)
    }
  }
  const threads = Math.min(workers ?? Math.min(availableParallelism(), 8), chunks.length)
  if (threads === 0) {
    const maker = await SpokenDigitsMaker.create(dir, parameters)
    await work((chunk) => maker.makeChunk(chunk))
    return results
  }
  const pool = Array.from({ length: threads }, () => startWorker({ dir, parameters }))
  try {
    await Promise.all(pool.map((worker) => work((chunk) => ask(worker, chunk))))
  } finally {
    await Promise.all(pool.map((worker) => worker.terminate()))
  }
  return results
}

/** Compiled code runs as it is; TypeScript sources need tsx and our source condition in the thread. */
function startWorker(workerData: WorkerInput): Worker {
  return import.meta.url.endsWith('.ts')
    ? new Worker(new URL('./sourceWorker.mjs', import.meta.url), {
        workerData,
        execArgv: ['--conditions=@nemo/source'],
      })
    : new Worker(new URL('./spokenDigitsWorker.js', import.meta.url), { workerData })
}

function ask(worker: Worker, chunk: SpokenDigitsChunk): Promise<ChunkResult> {
  return new Promise((resolve, reject) => {
    const onMessage = (answer: WorkerAnswer) => {
      leave()
      if ('error' in answer) reject(answer.error)
      else resolve(answer.result)
    }
    const onError = (error: Error) => {
      leave()
      reject(error)
    }
    const onExit = (code: number) => {
      leave()
      reject(new Error(`a corpus worker ended early with exit code ${code}.`))
    }
    const leave = () => worker.off('message', onMessage).off('error', onError).off('exit', onExit)
    worker.on('message', onMessage).on('error', onError).on('exit', onExit)
    worker.postMessage(chunk)
  })
}
