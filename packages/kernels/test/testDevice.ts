import { useSoftwareVulkan } from '@nemo-tools/software-vulkan'
import { type WebGPURuntime, webgpu } from '../src/index.js'

let device: Promise<WebGPURuntime> | undefined

/** The device of this test file: SwiftShader, in every process the same. */
export function testDevice(): Promise<WebGPURuntime> {
  device ??= (async () => {
    useSoftwareVulkan()
    return webgpu()
  })()
  return device
}
