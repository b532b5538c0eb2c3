import { isStatic } from '../dim.js'
import type { Tensor } from '../tensor.js'
import type { RewriteRule } from './rebuild.js'

/**
 * Makes a rule that computes each symbolic size (`T`, `[B, 1, T]`) once, from the first tensor that has it: integer
 * tensors known to hold the same dims are the same. Masks made from lengths then become common subexpressions.
 * Not for bodies, whose symbols are their own.
 */
export function mergeSizes(): RewriteRule {
  const seen = new Map<string, Tensor>()
  return (node) => {
    const size = node.outputs[0]
    if (!size?.known || isStatic(size.known) || !isStatic(size.shape) || node.outputs.length > 1) return undefined
    if (node.inputs.length === 0) return undefined
    const key = `${size.dtype}[${size.shape}] ${size.known}`
    const first = seen.get(key)
    if (first) return [first]
    seen.set(key, size)
    return undefined
  }
}
