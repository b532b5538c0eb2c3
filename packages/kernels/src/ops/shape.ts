import { sizeOf } from '@nemo/graph'
import type { OpKernel } from '../opKernel.js'
import { numberOf } from '../value.js'

/** With numbers for sizes simplification turns it into a constant, so that a plan meets it only where a size is unknown. */
export const Shape: OpKernel = (op) =>
  op.refuse('its input has a size that depends on data, and WebGPU plans need all sizes before they run.')

/** Number of elements, known to the plan. */
export const Size: OpKernel = (op) => [numberOf(sizeOf(op.shape(0)), 'int64')]
