import type { OpKernel } from '../opKernel.js'
import { reshapedOrMoved } from './reduction.js'

// Another shape over the same elements: no work unless they lie in another order.
const moved: OpKernel = (op) => [reshapedOrMoved(op.planner, op.value(0), op.outputShape())]

/** Same elements under another shape. */
export const Reshape = moved
/** Axes before and after one as a matrix. */
export const Flatten = moved
/** Inserts axes of size 1. */
export const Unsqueeze = moved
/** Removes axes of size 1. */
export const Squeeze = moved
