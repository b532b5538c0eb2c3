import { parentPort } from 'node:worker_threads'
import type { TensorData } from '../../dtype.js'
import { SessionHost } from './sessionHost.js'
import type { HostCall, HostReply } from './workerHost.js'

const host = new SessionHost()

parentPort!.on('message', async ({ id, method, args }: HostCall) => {
  let reply: HostReply
  try {
    const result = await (host[method] as (...args: readonly unknown[]) => unknown).apply(host, args as unknown[])
    reply = { id, result }
  } catch (error) {
    reply = { id, error: (error as Error).message }
  }
  parentPort!.postMessage(reply, 'result' in reply ? buffersOf(reply.result) : [])
})

// Tensors in results are ours alone (outputs of a run, copies of parameters), so their memory can change hands.
function buffersOf(result: unknown): ArrayBuffer[] {
  if (typeof result !== 'object' || result === null) return []
  const tensors = ('dtype' in result ? [result] : Object.values(result)) as readonly Partial<TensorData>[]
  return [...new Set(tensors.flatMap(({ data }) => (data ? [data.buffer as ArrayBuffer] : [])))]
}
