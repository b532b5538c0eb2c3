/// <reference types="@webgpu/types" />
import { type Parameter, sizeOf } from '@nemo/graph'
import { Arena } from './arena.js'
import type { BufferSource } from './bufferPool.js'
import { ELEMENT_BYTES, requireElementType } from './elementType.js'
import type { Storage } from './storage.js'

/** Where parameters lie on the device: those that a program brings along lie one behind the other. */
export class ParameterHome {
  readonly #source: BufferSource
  readonly #storages = new Map<Parameter, Storage>()
  readonly #buffers = new Set<GPUBuffer>()

  constructor(source: BufferSource) {
    this.#source = source
  }

  /** Every parameter that has a place. */
  get parameters(): Iterable<Parameter> {
    return this.#storages.keys()
  }

  /** Bytes of all buffers. */
  get bytes(): number {
    return [...this.#buffers].reduce((sum, { size }) => sum + size, 0)
  }

  /**
   * Gives places to those parameters that have none.
   *
   * @throws UnsupportedGraphError if a parameter is larger than the device's buffers.
   */
  settle(parameters: readonly Parameter[]): void {
    const homeless = parameters.filter((parameter) => !this.#storages.has(parameter))
    const left = new Map<string, number>()
    const element = ({ dtype }: Parameter) => requireElementType(dtype)
    const bytes = ({ shape }: Parameter) => sizeOf(shape) * ELEMENT_BYTES
    for (const parameter of homeless) {
      const key = element(parameter)
      left.set(key, (left.get(key) ?? 0) + bytes(parameter) + PADDING)
    }
    for (const key of new Set(homeless.map(element))) {
      const chunk = Math.min(left.get(key)!, this.#source.largest)
      const arena = new Arena((size, what) => this.#source.create(size, what), chunk)
      for (const parameter of homeless) {
        if (element(parameter) !== key) continue
        this.#storages.set(parameter, arena.place(bytes(parameter), key, `Parameter ${parameter.name}`))
      }
      for (const buffer of arena.buffers) this.#buffers.add(buffer)
    }
  }

  /** The place of a parameter; `undefined` before it was settled. */
  find(parameter: Parameter): Storage | undefined {
    return this.#storages.get(parameter)
  }

  /** Frees everything. */
  dispose(): void {
    for (const buffer of this.#buffers) buffer.destroy()
    this.#buffers.clear()
    this.#storages.clear()
  }
}

// Most that alignment adds to a tensor.
const PADDING = 16
