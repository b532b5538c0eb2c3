/// <reference types="@webgpu/types" />

/** A piece of a buffer on the device while a plan is made; `references` counts the tensors that still need its contents. */
export interface Storage {
  readonly buffer: GPUBuffer
  /** Where it begins in the buffer, in bytes. */
  readonly offset: number
  /** Bytes of the tensor in it; the buffer may be larger. */
  readonly bytes: number
  references: number
  /** Whether the buffer goes back to the pool when nothing refers to it; false for parameters, constants and arenas. */
  readonly pooled: boolean
  /** Whether other storages lie in the same buffer; kernels then bind it once and tell them apart by their offsets. */
  readonly shared: boolean
}

/** What a storage occupies, to tell which kernels depend on each other: pooled buffers have one owner after the other. */
export const placeOf = (storage: Storage): object => (storage.shared ? storage : storage.buffer)
