import { Body, type Node, ops, type Tensor, topologicalOrder } from '@nemo/graph'
import { elementTypeOf } from './elementType.js'
import { UnsupportedGraphError } from './errors.js'
import type { OpKernel, Refusal } from './planner.js'

/**
 * Refuses graphs with ops or element types that the executor lacks, all of them in one message.
 *
 * @throws UnsupportedGraphError
 */
export function checkSupport(
  roots: readonly Tensor[],
  inputs: readonly { readonly name: string; readonly tensor: Tensor }[],
  kernels: Readonly<Record<string, OpKernel | Refusal>>,
): void {
  const problems = new Set<string>()
  for (const { name, tensor } of inputs) {
    if (!elementTypeOf(tensor.dtype)) problems.add(`input ${name} is ${tensor.dtype}`)
  }
  const visit = (tensors: readonly Tensor[]): void => {
    const order = topologicalOrder(tensors)
    const onDevice = dependingOnData(order)
    for (const node of order) {
      // Shape arithmetic is done on the host, in any type.
      for (const { dtype } of onDevice.has(node) ? node.outputs : []) {
        if (!elementTypeOf(dtype)) problems.add(`${node.describe()} makes ${dtype}`)
      }
      if (node.op === ops.Input || node.op === ops.Constant || node.op === ops.Parameter) continue
      const kernel = kernels[node.op.type]
      if (!kernel) problems.add(`${node.describe()}: there is no kernel for it`)
      else if (typeof kernel !== 'function') problems.add(`${node.describe()}: ${kernel.refused}`)
      for (const value of Object.values(node.attributes)) if (value instanceof Body) visit(value.outputs)
    }
  }
  visit(roots)
  if (problems.size === 0) return
  throw new UnsupportedGraphError(
    `The WebGPU executor cannot run this program: ${[...problems].join('; ')}. It runs float32, int64 (32 bits of it), int32, uint32 and bool. Run it with ort() instead, or rewrite these parts.`,
  )
}

// Nodes that more than constants and shapes go into.
function dependingOnData(order: readonly Node[]): Set<Node> {
  const found = new Set<Node>()
  for (const node of order) {
    const leaf = node.op === ops.Input || node.op === ops.Parameter
    const fromData = node.inputs.some((input) => input && found.has(input.node))
    // What draws numbers, or has a body, is not folded.
    const folded = node.op.evaluate !== undefined || node.op === ops.Shape || node.op === ops.Size
    if (
      leaf ||
      (node.op !== ops.Shape && node.op !== ops.Size && (fromData || (!folded && node.op !== ops.Constant)))
    ) {
      found.add(node)
    }
  }
  return found
}
