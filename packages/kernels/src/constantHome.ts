/// <reference types="@webgpu/types" />
import { sizeOf, type TensorData } from '@nemo/graph'
import { Arena } from './arena.js'
import type { BufferSource } from './bufferPool.js'
import { ELEMENT_BYTES, requireElementType, toDevice } from './elementType.js'
import type { Storage } from './storage.js'

// Small constants share buffers of this many bytes.
const CHUNK = 1 << 16
// And have one place for equal contents.
const LARGEST_COMPARED = 1 << 14

/** Constants of a program on the device, each uploaded once. */
export class ConstantHome {
  readonly #arena: Arena
  readonly #write: (storage: Storage, elements: ReturnType<typeof toDevice>) => void
  readonly #byData = new Map<object, Storage>()
  readonly #byContent = new Map<string, Storage>()

  /** @param write - Puts elements into a storage. */
  constructor(source: BufferSource, write: (storage: Storage, elements: ReturnType<typeof toDevice>) => void) {
    this.#arena = new Arena((bytes, what) => source.create(bytes, what), CHUNK)
    this.#write = write
  }

  /** Bytes of all buffers. */
  get bytes(): number {
    return this.#arena.buffers.reduce((sum, { size }) => sum + size, 0)
  }

  /** Where a constant lies. */
  place(value: TensorData, what: string): Storage {
    const known = this.#byData.get(value.data)
    if (known) return known
    const element = requireElementType(value.dtype)
    const elements = toDevice(value, what)
    const key = elements.byteLength <= LARGEST_COMPARED ? `${element} ${elements.join()}` : undefined
    let storage = key === undefined ? undefined : this.#byContent.get(key)
    if (!storage) {
      storage = this.#arena.place(sizeOf(value.shape) * ELEMENT_BYTES, element, what)
      this.#write(storage, elements)
      if (key !== undefined) this.#byContent.set(key, storage)
    }
    this.#byData.set(value.data, storage)
    return storage
  }

  /** Frees everything. */
  dispose(): void {
    for (const buffer of this.#arena.buffers) buffer.destroy()
    this.#byData.clear()
    this.#byContent.clear()
  }
}
