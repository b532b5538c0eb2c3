import type { Node, Tensor } from './tensor.js'

/** All nodes that `outputs` depend on, inputs before users. Bodies of Scans are not entered. */
export function topologicalOrder(outputs: readonly Tensor[]): Node[] {
  const seen = new Set<Node>()
  const stack = outputs.map((tensor) => tensor.node)
  while (stack.length > 0) {
    const node = stack.pop()!
    if (seen.has(node)) continue
    seen.add(node)
    for (const input of node.inputs) if (input && !seen.has(input.node)) stack.push(input.node)
  }
  // Ids grow with creation and a node is created after its inputs.
  return [...seen].sort((a, b) => a.id - b.id)
}
