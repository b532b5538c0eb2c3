import { RuntimeError } from '../../errors.js'
import type { MemoryReport } from '../runtime.js'
import type { Host } from './ort.js'

/**
 * What bundlers for browsers put in the place of the hosts of ONNX Runtime, which need Node (`imports` in package.json):
 * programs compile and run there with another runtime.
 */
class MissingHost implements Host {
  create(): Promise<never> {
    return Promise.reject(new RuntimeError(NODE_ONLY))
  }

  run(): Promise<never> {
    return Promise.reject(new RuntimeError(NODE_ONLY))
  }

  memory(): MemoryReport {
    throw new RuntimeError(NODE_ONLY)
  }

  write(): void {
    throw new RuntimeError(NODE_ONLY)
  }

  read(): never {
    throw new RuntimeError(NODE_ONLY)
  }

  release(): void {}

  async dispose(): Promise<void> {}

  async close(): Promise<void> {}
}

const NODE_ONLY =
  'The executor ort() needs Node. In a browser pass another runtime: compile(outputs, { runtime: await webgpu() }) with webgpu from @nemo/kernels.'

export { MissingHost as SessionHost, MissingHost as WorkerHost }
