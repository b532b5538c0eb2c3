import { ModuleError } from '@nemo/core'

/** Kernel size after scaling, rounded up to an odd number. NeMo's `compute_new_kernel_size`. */
export function scaledKernelSize(kernelSize: number, factor: number): number {
  const scaled = Math.max(Math.trunc(kernelSize * factor), 1)
  return scaled % 2 === 0 ? scaled + 1 : scaled
}

/**
 * Padding that keeps the number of frames at stride 1: on both sides alike, or `[left, right]` when only
 * `futureContext` frames to the right may be seen. A kernel that is not longer than the future context is padded alike.
 *
 * @param futureContext - Frames; negative for no limit.
 * @throws ModuleError if both stride and dilation are above 1.
 *
 * Source: NeMo v1.0.0 `get_same_padding`, `get_asymtric_padding`. With dilation the left side is dilation - 1 frames longer
 * than "same" needs; published models depend on it.
 */
export function samePadding(
  kernelSize: number,
  stride: number,
  dilation: number,
  futureContext = -1,
): number | readonly [number, number] {
  if (stride > 1 && dilation > 1) {
    throw new ModuleError(`stride ${stride} and dilation ${dilation}: only one of them may be above 1.`)
  }
  const same = Math.floor((dilation * (kernelSize - 1)) / 2)
  if (futureContext < 0 || kernelSize <= futureContext) return same
  if (dilation > 1) return [dilation * kernelSize - 1 - dilation * futureContext, dilation * futureContext]
  return [kernelSize - 1 - futureContext, futureContext]
}
