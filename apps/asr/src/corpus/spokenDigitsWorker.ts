import { parentPort, workerData } from 'node:worker_threads'
import type { SpokenDigitsChunk } from './spokenDigits.js'
import { SpokenDigitsMaker } from './spokenDigitsMaker.js'
import type { WorkerAnswer, WorkerInput } from './spokenDigitsPool.js'

/** Entry of a worker thread of `spokenDigitsPool.ts`: makes the chunks it is sent, one at a time. */
const port = parentPort
const { dir, parameters } = workerData as WorkerInput
const maker = SpokenDigitsMaker.create(dir, parameters)

port?.on('message', async (chunk: SpokenDigitsChunk) => {
  let answer: WorkerAnswer
  try {
    answer = { result: await (await maker).makeChunk(chunk) }
  } catch (error) {
    answer = { error: error instanceof Error ? error : new Error(String(error)) }
  }
  port.postMessage(answer)
})
