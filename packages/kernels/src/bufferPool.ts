/// <reference types="@webgpu/types" />
import { UnsupportedGraphError } from './errors.js'

/** Where new buffers come from. */
export interface BufferSource {
  /** Most bytes of a buffer. */
  readonly largest: number
  /**
   * A buffer for tensors.
   *
   * @throws UnsupportedGraphError if the device has none of that size.
   */
  create(bytes: number, what: string): GPUBuffer
}

/** Buffers of a device, as large as it allows. */
export function deviceBuffers(device: GPUDevice, most = Number.POSITIVE_INFINITY): BufferSource {
  const { maxStorageBufferBindingSize, maxBufferSize } = device.limits
  const limit = Math.min(maxStorageBufferBindingSize, maxBufferSize, most)
  return {
    largest: limit - (limit % GRANULE),
    create(size, what) {
      if (size > limit) {
        throw new UnsupportedGraphError(
          `${what} needs a buffer of ${size} bytes; this device has at most ${limit}. Use smaller batches or shorter items.`,
        )
      }
      return device.createBuffer({
        size,
        usage: GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_SRC | GPUBufferUsage.COPY_DST,
      })
    },
  }
}

// Sizes are rounded up so that nearly equal tensors share buffers.
const GRANULE = 256
// A free buffer may be this much larger than what is asked for.
const LARGEST_WASTE = 2

/**
 * Buffers for tensors that live within one run. All runs go through one queue, in order, so programs and shapes share
 * them: what one run left behind the next may overwrite.
 */
export class BufferPool {
  readonly #source: BufferSource
  readonly #free = new Map<number, GPUBuffer[]>()
  readonly #all = new Set<GPUBuffer>()
  #bytes = 0

  constructor(source: BufferSource) {
    this.#source = source
  }

  /** Bytes of all buffers that were ever needed at once: the peak. */
  get bytes(): number {
    return this.#bytes
  }

  /**
   * A buffer of at least `bytes` bytes with unspecified contents.
   *
   * @throws UnsupportedGraphError if the device has no buffers of that size.
   */
  acquire(bytes: number, what: string): GPUBuffer {
    const size = Math.max(1, Math.ceil(bytes / GRANULE)) * GRANULE
    let best: number | undefined
    for (const [candidate, buffers] of this.#free) {
      if (
        buffers.length > 0 &&
        candidate >= size &&
        candidate <= size * LARGEST_WASTE &&
        !(candidate >= (best ?? candidate + 1))
      )
        best = candidate
    }
    if (best !== undefined) return this.#free.get(best)!.pop()!
    const buffer = this.#source.create(size, what)
    this.#all.add(buffer)
    this.#bytes += size
    return buffer
  }

  release(buffer: GPUBuffer): void {
    const buffers = this.#free.get(buffer.size)
    if (buffers) buffers.push(buffer)
    else this.#free.set(buffer.size, [buffer])
  }

  dispose(): void {
    for (const buffer of this.#all) buffer.destroy()
    this.#all.clear()
    this.#free.clear()
  }
}
