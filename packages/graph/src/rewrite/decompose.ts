import type { OpDefinition } from '../op.js'
import type { Tensor } from '../tensor.js'
import { type RewriteRule, rebuild } from './rebuild.js'

/**
 * Replaces ops by their definitions until only ONNX ops and those in `native` are left.
 *
 * @param rules - Tried first: a runtime's own, faster ways to say an op.
 */
export function decompose(outputs: readonly Tensor[], rules: RewriteRule, native: ReadonlySet<OpDefinition>): Tensor[] {
  const rule: RewriteRule = (node, inputs, original) => {
    const special = rules(node, inputs, original)
    const made = special ?? (node.op.decompose && !native.has(node.op) ? node.op.decompose(node, inputs) : undefined)
    // A definition may use ops that have definitions of their own.
    return made && rebuild(made as readonly Tensor[], { replace: asLeaves(inputs), rule })
  }
  return rebuild(outputs, { rule })
}

// Inputs were rewritten already; mapping each to itself keeps the inner rebuild from walking past them.
function asLeaves(inputs: readonly (Tensor | null)[]): Map<Tensor, Tensor> {
  return new Map(inputs.flatMap((tensor) => (tensor ? [[tensor, tensor] as const] : [])))
}
