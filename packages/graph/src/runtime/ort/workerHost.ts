import { Worker } from 'node:worker_threads'
import type { TensorData } from '../../dtype.js'
import { RuntimeError } from '../../errors.js'
import type { MemoryReport } from '../runtime.js'
import type { Host } from './ort.js'
import type { SessionPlan, SessionSettings } from './sessionHost.js'

/** A message to the worker: a method of SessionHost and its arguments. */
export interface HostCall {
  readonly id: number
  readonly method: 'create' | 'run' | 'memory' | 'write' | 'read' | 'release' | 'dispose'
  readonly args: readonly unknown[]
}

/** Its answer. */
export type HostReply =
  | { readonly id: number; readonly result: unknown }
  | { readonly id: number; readonly error: string }

// From TypeScript sources (our own tests) the worker needs a loader for TypeScript; in the package it is plain JavaScript.
function startWorker(): Worker {
  const self = import.meta.url
  if (!self.endsWith('.ts')) return new Worker(new URL('./worker.js', self))
  const entry = new URL('./worker.ts', self).href
  // Where import.meta.resolve is missing (vitest), the working folder is the repository.
  const loader = import.meta.resolve?.('tsx/esm/api') ?? 'tsx/esm/api'
  const boot = `import(${JSON.stringify(loader)}).then(({ register }) => { register(); return import(${JSON.stringify(entry)}) })`
  return new Worker(boot, { eval: true })
}

/** A SessionHost in a worker thread. */
export class WorkerHost implements Host {
  readonly #worker: Worker
  readonly #pending = new Map<number, { resolve(value: unknown): void; reject(error: Error): void }>()
  #next = 0
  // Why there is no worker any more.
  #ended: string | undefined

  constructor() {
    this.#worker = startWorker()
    this.#worker.unref()
    this.#worker.on('message', (reply: HostReply) => {
      const call = this.#pending.get(reply.id)
      this.#pending.delete(reply.id)
      if (this.#pending.size === 0) this.#worker.unref()
      if ('error' in reply) call?.reject(new RuntimeError(reply.error))
      else call?.resolve(reply.result)
    })
    const fail = (reason: string) => {
      this.#ended ??= reason
      for (const call of this.#pending.values()) call.reject(new RuntimeError(reason))
      this.#pending.clear()
    }
    this.#worker.on('error', (error) => fail(`The ONNX Runtime worker failed: ${error.message}`))
    this.#worker.on('exit', (code) => fail(`The ONNX Runtime worker ended with exit code ${code}.`))
  }

  create(plan: SessionPlan, settings: SessionSettings): Promise<number> {
    return this.#call('create', [plan, settings], [plan.model.buffer as ArrayBuffer])
  }

  run(id: number, feeds: readonly (readonly [string, TensorData])[]): Promise<Record<string, TensorData>> {
    return this.#call('run', [id, feeds])
  }

  memory(id: number): Promise<MemoryReport> {
    return this.#call('memory', [id])
  }

  write(slot: number, value: TensorData): Promise<void> {
    return this.#call('write', [slot, value])
  }

  read(slot: number): Promise<TensorData> {
    return this.#call('read', [slot])
  }

  release(slot: number): Promise<void> {
    return this.#call('release', [slot])
  }

  dispose(id: number): Promise<void> {
    return this.#call('dispose', [id])
  }

  async close(): Promise<void> {
    this.#ended = 'The runtime was disposed.'
    await this.#worker.terminate()
  }

  #call<T>(method: HostCall['method'], args: readonly unknown[], transfer: readonly ArrayBuffer[] = []): Promise<T> {
    if (this.#ended !== undefined) return Promise.reject(new RuntimeError(this.#ended))
    const id = this.#next++
    return new Promise<T>((resolve, reject) => {
      this.#pending.set(id, { resolve: resolve as (value: unknown) => void, reject })
      this.#worker.ref()
      this.#worker.postMessage({ id, method, args } satisfies HostCall, transfer)
    })
  }
}
