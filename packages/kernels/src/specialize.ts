import { applyOp, Body, input, type Node, ops, type RewriteRule, rebuild, simplify, type Tensor } from '@nemo/graph'

/**
 * The same graph for inputs of given sizes: every shape is worked out again with numbers, so that shape arithmetic turns
 * into constants.
 *
 * @param shapes - Shape of each input.
 * @returns the outputs, and the input that stands in the place of each.
 */
export function specialize(
  outputs: readonly Tensor[],
  shapes: ReadonlyMap<Tensor, readonly number[]>,
): { outputs: readonly Tensor[]; inputs: ReadonlyMap<Tensor, Tensor> } {
  const inputs = new Map<Tensor, Tensor>()
  for (const [tensor, shape] of shapes) {
    inputs.set(tensor, input(tensor.node.attribute<string>('name'), tensor.dtype, shape))
  }
  const renewed = rebuild(outputs, { replace: inputs, rule: scanBodies, enterBodies: false })
  return { outputs: simplify(renewed), inputs }
}

const scanBodies: RewriteRule = (node, inputs) => {
  if (node.op !== ops.Scan) return undefined
  const body = specializeBody(node, inputs as readonly Tensor[])
  return body && applyOp(node.op, inputs, { ...node.attributes, body }, node.outputs.length)
}

function specializeBody(node: Node, inputs: readonly Tensor[]): Body | undefined {
  const { body, num_states, num_scan_inputs } = node.attributes as {
    body: Body
    num_states: number
    num_scan_inputs: number
  }
  const shapes = body.inputs.map((_, i) => {
    const { shape } = inputs[i]!
    return i >= num_states && i < num_states + num_scan_inputs ? shape.slice(1) : shape
  })
  if (body.inputs.every((formal, i) => formal.shape.every((dim, axis) => dim === shapes[i]![axis]))) return undefined
  const formals = body.inputs.map((formal, i) => input(formal.node.attribute<string>('name'), formal.dtype, shapes[i]!))
  const replace = new Map(body.inputs.map((formal, i) => [formal, formals[i]!]))
  return new Body(formals, rebuild(body.outputs, { replace, rule: scanBodies, enterBodies: false }))
}
