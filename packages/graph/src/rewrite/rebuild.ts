import { Body } from '../body.js'
import { type Attributes, applyOp } from '../op.js'
import { inScope } from '../scope.js'
import type { Node, Tensor } from '../tensor.js'
import { topologicalOrder } from '../traverse.js'

/**
 * Replaces a node: gets it with its already rewritten inputs, and as it was before the rebuild; returns new outputs (entries that nobody reads may be
 * undefined), or undefined to keep it.
 */
export type RewriteRule = (
  node: Node,
  inputs: readonly (Tensor | null)[],
  original: Node,
) => readonly (Tensor | undefined)[] | undefined

/** What a rebuild changes. */
export interface Rebuild {
  /** Tensors to put in the place of others before anything else. */
  readonly replace?: ReadonlyMap<Tensor, Tensor>
  /** Applied to every node, in topological order. */
  readonly rule?: RewriteRule
  /** Whether the rule is also applied inside Scan bodies. Default true. */
  readonly enterBodies?: boolean
}

/** Makes the outputs' graph anew with replacements and rules applied; nodes that nothing changed are kept. */
export function rebuild(outputs: readonly Tensor[], { replace, rule, enterBodies = true }: Rebuild): Tensor[] {
  const renamed = new Map<Tensor, Tensor>(replace)
  const resolve = (tensor: Tensor): Tensor => renamed.get(tensor) ?? tensor
  for (const node of reachable(outputs, renamed)) {
    const inputs = node.inputs.map((input) => input && resolve(input))
    const attributes = rule && enterBodies ? rebuildBodies(node.attributes, rule) : node.attributes
    const changed = attributes !== node.attributes || inputs.some((input, i) => input !== node.inputs[i])
    inScope(node.scope, () => {
      const current = changed ? applyOp(node.op, inputs, attributes, node.outputs.length)[0]?.node : node
      const made = rule?.(current ?? node, inputs, node) ?? (changed ? current?.outputs : undefined)
      made?.forEach((tensor, i) => {
        const old = node.outputs[i]
        if (tensor && old && tensor !== old && !replace?.has(old)) renamed.set(old, tensor)
      })
    })
  }
  return outputs.map(resolve)
}

// Like topologicalOrder, but nothing behind a replaced tensor is visited.
function reachable(outputs: readonly Tensor[], replaced: ReadonlyMap<Tensor, Tensor>): Node[] {
  if (replaced.size === 0) return topologicalOrder(outputs)
  const seen = new Set<Node>()
  const stack = outputs.filter((tensor) => !replaced.has(tensor)).map((tensor) => tensor.node)
  while (stack.length > 0) {
    const node = stack.pop()!
    if (seen.has(node)) continue
    seen.add(node)
    for (const input of node.inputs) if (input && !replaced.has(input) && !seen.has(input.node)) stack.push(input.node)
  }
  return [...seen].sort((a, b) => a.id - b.id)
}

function rebuildBodies(attributes: Attributes, rule: RewriteRule): Attributes {
  let changed: Record<string, Attributes[string]> | undefined
  for (const [name, value] of Object.entries(attributes)) {
    if (!(value instanceof Body)) continue
    const outputs = rebuild(value.outputs, { rule })
    if (outputs.some((output, i) => output !== value.outputs[i])) {
      changed ??= { ...attributes }
      changed[name] = new Body(value.inputs, outputs)
    }
  }
  return changed ?? attributes
}
