/// <reference types="@webgpu/types" />

import { ELEMENT_BYTES } from './elementType.js'

/**
 * How a tensor of half precision lies in its buffer: as WGSL's f16, 2 bytes each, or as its bits in a u32 of its own, which
 * every device can do. Kernels compute with it in float32 in any case.
 */
export type HalfFormat = 'f16' | 'bits'

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
  /** How its elements are stored, if they are float32 stored in half precision. Only pooled storages are. */
  readonly half?: HalfFormat | undefined
}

/** Bytes of one of its elements. */
export const elementBytes = ({ half }: Pick<Storage, 'half'>): number => (half === 'f16' ? 2 : ELEMENT_BYTES)

/** What a storage occupies, to tell which kernels depend on each other: pooled buffers have one owner after the other. */
export const placeOf = (storage: Storage): object => (storage.shared ? storage : storage.buffer)
