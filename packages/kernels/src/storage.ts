/// <reference types="@webgpu/types" />

/** A buffer on the device while a plan is made; `references` counts the tensors that still need its contents. */
export interface Storage {
  readonly buffer: GPUBuffer
  /** Bytes of the tensor in it; the buffer may be larger. */
  readonly bytes: number
  references: number
  /** Whether the buffer goes back to the pool when nothing refers to it; false for parameters and constants. */
  readonly pooled: boolean
}
