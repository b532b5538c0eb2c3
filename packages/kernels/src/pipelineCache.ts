/// <reference types="@webgpu/types" />
import { WebGPUDeviceError } from './errors.js'
import type { Dispatch } from './kernelBuilder.js'

/** A kernel's pipeline and the layout of its bindings. */
export interface CompiledKernel {
  readonly pipeline: GPUComputePipeline
  readonly layout: GPUBindGroupLayout
}

/** Pipelines by their code; equal kernels of all programs and shapes share one. */
export class PipelineCache {
  readonly #device: GPUDevice
  readonly #kernels = new Map<string, Promise<CompiledKernel>>()
  readonly #layouts = new Map<string, { group: GPUBindGroupLayout; pipeline: GPUPipelineLayout }>()

  constructor(device: GPUDevice) {
    this.#device = device
  }

  /** How many pipelines there are. */
  get size(): number {
    return this.#kernels.size
  }

  /**
   * The pipeline of a kernel; different ones compile at the same time.
   *
   * @throws WebGPUDeviceError if the device refuses the code.
   */
  get(dispatch: Dispatch): Promise<CompiledKernel> {
    const key = `${dispatch.numbers}${dispatch.access}\n${dispatch.code}`
    let kernel = this.#kernels.get(key)
    if (!kernel) {
      kernel = this.#compile(dispatch)
      this.#kernels.set(key, kernel)
    }
    return kernel
  }

  async #compile({ label, code, access, uniforms, numbers }: Dispatch): Promise<CompiledKernel> {
    const layout = this.#layout(access, uniforms.length > 0 ? numbers : undefined)
    const module = this.#device.createShaderModule({ label, code })
    try {
      const pipeline = await this.#device.createComputePipelineAsync({
        label,
        layout: layout.pipeline,
        compute: { module, entryPoint: 'main' },
      })
      return { pipeline, layout: layout.group }
    } catch (error) {
      const { messages } = await module.getCompilationInfo()
      const where = messages.map(({ lineNum, message }) => `line ${lineNum}: ${message}`).join('; ')
      throw new WebGPUDeviceError(`The device refused kernel ${label}: ${where || (error as Error).message}\n${code}`, {
        cause: error,
      })
    }
  }

  #layout(
    access: string,
    numbers: Dispatch['numbers'] | undefined,
  ): { group: GPUBindGroupLayout; pipeline: GPUPipelineLayout } {
    const key = `${numbers ?? ''}${access}`
    let layout = this.#layouts.get(key)
    if (!layout) {
      const entries: GPUBindGroupLayoutEntry[] = [...access].map((letter, i) => ({
        binding: i + 1,
        visibility: GPUShaderStage.COMPUTE,
        buffer: { type: letter === 'w' ? 'storage' : 'read-only-storage' },
      }))
      if (numbers) {
        const type = numbers === 'table' ? 'read-only-storage' : 'uniform'
        entries.unshift({ binding: 0, visibility: GPUShaderStage.COMPUTE, buffer: { type } })
      }
      const group = this.#device.createBindGroupLayout({ entries })
      layout = { group, pipeline: this.#device.createPipelineLayout({ bindGroupLayouts: [group] }) }
      this.#layouts.set(key, layout)
    }
    return layout
  }
}
