/**
 * What the browser's page runs: the checks of the ops' test files, and a small training, on `navigator.gpu`. The test
 * that drives it bundles this file with all those test files before it.
 */
import type { DType, TensorData } from '@nemo/graph'
import { type WebGPURuntime, webgpu } from '../../src/index.js'
import type { NamedCheck } from '../kernelCheck.js'
import { runCheck } from '../runCheck.js'
import { type SmallTraining, trainSmall } from '../smallTraining.js'

/** A tensor as text, to leave the page. */
export interface PackedTensor {
  readonly dtype: DType
  readonly shape: readonly number[]
  readonly base64: string
}

/** What the page offers to the test. */
export interface KernelPage {
  readonly titles: readonly string[]
  readonly adapter: () => Promise<string>
  readonly check: (index: number) => Promise<Record<string, PackedTensor>[]>
  readonly train: () => Promise<SmallTraining>
}

const page = globalThis as { collectedKernelChecks?: NamedCheck[]; kernelPage?: KernelPage }
const checks = page.collectedKernelChecks ?? []

let opened: Promise<WebGPURuntime> | undefined
const device = (): Promise<WebGPURuntime> => {
  opened ??= webgpu()
  return opened
}

const pack = ({ dtype, shape, data }: TensorData): PackedTensor => {
  const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength)
  return { dtype, shape, base64: btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join('')) }
}

page.kernelPage = {
  titles: checks.map(({ title }) => title),
  adapter: async () => (await device()).adapter,
  check: async (index) => {
    const results = await runCheck(checks[index]!.check, await device())
    return results.map((outputs) =>
      Object.fromEntries(Object.entries(outputs).map(([name, value]) => [name, pack(value)])),
    )
  },
  train: async () => trainSmall(await device()),
}
