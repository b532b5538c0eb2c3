/// <reference types="@webgpu/types" />
import type { DType, TensorData } from '@nemo/graph'
import { sizeOf } from '@nemo/graph'
import { ELEMENT_BYTES, fromDevice, toDevice } from './elementType.js'
import type { Dispatch } from './kernelBuilder.js'
import type { KernelTimer } from './kernelTimer.js'
import type { PipelineCache } from './pipelineCache.js'
import type { Command, Copy } from './planner.js'
import type { Storage } from './storage.js'

/** What a recording is made of. */
export interface RecordingParts {
  readonly device: GPUDevice
  readonly pipelines: PipelineCache
  readonly commands: readonly Command[]
  /** Inputs to write before the commands; `wrap` keeps the low bits of large int64. */
  readonly feeds: readonly { readonly name: string; readonly storage: Storage; readonly wrap: boolean }[]
  readonly outputs: readonly {
    readonly name: string
    readonly dtype: DType
    readonly shape: readonly number[]
    readonly storage: Storage
  }[]
}

type Step =
  | { readonly pipeline: GPUComputePipeline; readonly group: GPUBindGroup; readonly dispatch: Dispatch }
  | { readonly copy: Copy }

// Uniforms of a kernel begin at multiples of this, which every device allows.
const UNIFORM_ALIGNMENT = 256
const WORDS = UNIFORM_ALIGNMENT / 4

/** A plan bound to its buffers: running it again only writes the inputs, encodes and submits. */
export class Recording {
  readonly #parts: RecordingParts
  readonly #steps: readonly Step[]
  readonly #uniforms: GPUBuffer | undefined
  readonly #staging: GPUBuffer[] = []
  readonly #outputBytes: number

  private constructor(parts: RecordingParts, steps: readonly Step[], uniforms: GPUBuffer | undefined) {
    this.#parts = parts
    this.#steps = steps
    this.#uniforms = uniforms
    this.#outputBytes = parts.outputs.reduce((bytes, { shape }) => bytes + sizeOf(shape) * ELEMENT_BYTES, 0)
  }

  /** Compiles the kernels and binds the buffers. */
  static async create(parts: RecordingParts): Promise<Recording> {
    const { device, pipelines, commands } = parts
    const dispatches = [...new Set(commands.flatMap((command) => ('dispatch' in command ? [command.dispatch] : [])))]
    const compiled = await Promise.all(dispatches.map((dispatch) => pipelines.get(dispatch)))
    const offsets: number[] = []
    let words = 0
    for (const { uniforms } of dispatches) {
      offsets.push(words * 4)
      words += Math.ceil(uniforms.length / WORDS) * WORDS
    }
    let buffer: GPUBuffer | undefined
    if (words > 0) {
      const contents = new Uint32Array(words)
      dispatches.forEach(({ uniforms }, i) => {
        contents.set(uniforms, offsets[i]! / 4)
      })
      buffer = device.createBuffer({
        size: words * 4,
        usage: GPUBufferUsage.UNIFORM | GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_DST,
      })
      device.queue.writeBuffer(buffer, 0, contents)
    }
    const steps = new Map<Dispatch, Step>()
    dispatches.forEach((dispatch, i) => {
      const entries: GPUBindGroupEntry[] = dispatch.buffers.map((buffer, at) => ({
        binding: at + 1,
        resource: { buffer },
      }))
      if (dispatch.uniforms.length > 0) {
        const size = dispatch.uniforms.length * 4
        entries.unshift({ binding: 0, resource: { buffer: buffer!, offset: offsets[i]!, size } })
      }
      const { pipeline, layout } = compiled[i]!
      const group = device.createBindGroup({ label: dispatch.label, layout, entries })
      steps.set(dispatch, { pipeline, group, dispatch })
    })
    const order = commands.map((command): Step => ('dispatch' in command ? steps.get(command.dispatch)! : command))
    return new Recording({ ...parts, commands: [] }, order, buffer)
  }

  /** How many kernels one run starts. */
  get dispatches(): number {
    return this.#steps.filter((step) => 'pipeline' in step).length
  }

  /**
   * Enters one run into the queue; resolves when the outputs have arrived.
   *
   * @param timer - Measures every kernel.
   */
  submit(feeds: ReadonlyMap<string, TensorData>, timer?: KernelTimer): Promise<Record<string, TensorData>> {
    const { device, outputs } = this.#parts
    for (const { name, storage, wrap } of this.#parts.feeds) {
      device.queue.writeBuffer(storage.buffer, storage.offset, toDevice(feeds.get(name)!, `Input ${name}`, wrap))
    }
    const encoder = device.createCommandEncoder()
    const times = timer?.begin()
    let pass: GPUComputePassEncoder | undefined
    for (const step of this.#steps) {
      if ('copy' in step) {
        pass?.end()
        pass = undefined
        const { from, fromOffset, to, toOffset, bytes } = step.copy
        encoder.copyBufferToBuffer(from.buffer, from.offset + fromOffset, to.buffer, to.offset + toOffset, bytes)
      } else {
        if (times) {
          pass?.end()
          pass = encoder.beginComputePass({ timestampWrites: times.next(step.dispatch) })
        }
        pass ??= encoder.beginComputePass()
        pass.setPipeline(step.pipeline)
        pass.setBindGroup(0, step.group)
        pass.dispatchWorkgroups(...step.dispatch.workgroups)
      }
    }
    pass?.end()
    const staging = this.#outputBytes > 0 ? this.#takeStaging() : undefined
    let offset = 0
    for (const { shape, storage } of outputs) {
      const bytes = sizeOf(shape) * ELEMENT_BYTES
      if (bytes > 0) encoder.copyBufferToBuffer(storage.buffer, storage.offset, staging!, offset, bytes)
      offset += bytes
    }
    times?.finish(encoder)
    device.queue.submit([encoder.finish()])
    if (times) timer!.add(times)
    return this.#readBack(staging)
  }

  async #readBack(staging: GPUBuffer | undefined): Promise<Record<string, TensorData>> {
    const { device, outputs } = this.#parts
    if (staging) await staging.mapAsync(GPUMapMode.READ)
    else await device.queue.onSubmittedWorkDone()
    const mapped = staging?.getMappedRange()
    const results: Record<string, TensorData> = {}
    let offset = 0
    for (const { name, dtype, shape } of outputs) {
      const bytes = sizeOf(shape) * ELEMENT_BYTES
      results[name] = fromDevice(dtype, shape, mapped?.slice(offset, offset + bytes) ?? new ArrayBuffer(0))
      offset += bytes
    }
    if (staging) {
      staging.unmap()
      this.#staging.push(staging)
    }
    return results
  }

  #takeStaging(): GPUBuffer {
    return (
      this.#staging.pop() ??
      this.#parts.device.createBuffer({
        size: this.#outputBytes,
        usage: GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST,
      })
    )
  }

  /** Frees what belongs to this plan alone. */
  dispose(): void {
    this.#uniforms?.destroy()
    for (const buffer of this.#staging) buffer.destroy()
  }
}
