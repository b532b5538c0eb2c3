/// <reference types="@webgpu/types" />
import type { ElementType } from './elementType.js'
import type { Storage } from './storage.js'

// Tensors begin at multiples of this, so that kernels could read four elements at a time.
const ALIGNMENT = 16

/**
 * Lays tensors one behind the other into few large buffers. Kernels then reach many of them through one binding, and
 * equal kernels on different tensors can run as one.
 */
export class Arena {
  readonly #create: (bytes: number, what: string) => GPUBuffer
  readonly #chunk: number
  readonly #open = new Map<ElementType, { readonly buffer: GPUBuffer; used: number }>()
  readonly #buffers: GPUBuffer[] = []

  /**
   * @param create - Makes a buffer of at least so many bytes.
   * @param chunk - Bytes of a buffer. A larger tensor gets a buffer of its own.
   */
  constructor(create: (bytes: number, what: string) => GPUBuffer, chunk: number) {
    this.#create = create
    this.#chunk = chunk
  }

  /** Every buffer so far. */
  get buffers(): readonly GPUBuffer[] {
    return this.#buffers
  }

  /** A place for a tensor; it stays for the life of the arena. */
  place(bytes: number, element: ElementType, what: string): Storage {
    const size = Math.max(1, Math.ceil(bytes / ALIGNMENT)) * ALIGNMENT
    let open = this.#open.get(element)
    if (!open || open.used + size > open.buffer.size) {
      const buffer = this.#create(Math.max(size, this.#chunk), what)
      this.#buffers.push(buffer)
      open = { buffer, used: 0 }
      this.#open.set(element, open)
    }
    const offset = open.used
    open.used += size
    return { buffer: open.buffer, offset, bytes, references: 0, pooled: false, shared: true }
  }
}
