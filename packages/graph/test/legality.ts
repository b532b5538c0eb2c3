import { Body } from '../src/body.js'
import { broadcastDim, type Shape } from '../src/dim.js'
import { Input } from '../src/ops/leaves.js'
import { Parameter } from '../src/parameter.js'
import type { Node, Tensor } from '../src/tensor.js'
import { topologicalOrder } from '../src/traverse.js'

/**
 * What every graph must satisfy, before and after each rewrite; throws at the first node that does not.
 *
 * - an input was made before its user, and stands among the outputs of its node;
 * - attributes are those that the op declares;
 * - the shape rule, run again, promises the dtypes, ranks and compatible sizes that the outputs carry;
 * - a body reads its own inputs, constants and what is made from them, and nothing else.
 */
export function checkLegality(outputs: readonly Tensor[], formals?: readonly Tensor[]): void {
  for (const node of topologicalOrder(outputs)) {
    const fail = (problem: string): never => {
      throw new Error(`${node.describe()} (node ${node.id}): ${problem}`)
    }
    for (const input of node.inputs) {
      if (!input) continue
      if (input.node.id >= node.id) fail(`input ${input} is made later, by node ${input.node.id}`)
      if (input.node.outputs[input.index] !== input) fail(`input ${input} is no output of its node`)
    }
    for (const name of Object.keys(node.attributes))
      if (!(name in node.op.attributes)) fail(`attribute ${name} is not declared`)
    if (formals && node.op === Input && !formals.includes(node.outputs[0]!))
      fail('the body reads an input of the graph around it')
    if (formals && node.outputs[0] instanceof Parameter) fail('the body reads a parameter without capturing it')
    if (!(node.outputs[0] instanceof Parameter)) checkShapes(node, fail)
    for (const value of Object.values(node.attributes))
      if (value instanceof Body) checkLegality(value.outputs, value.inputs)
  }
}

function checkShapes(node: Node, fail: (problem: string) => never): void {
  const promised = node.op.infer({
    op: node.op,
    inputs: node.inputs,
    attributes: node.attributes,
    outputCount: node.outputs.length,
    input: (i) => node.inputs[i] ?? fail(`input ${i} is missing`),
    fail,
  })
  if (promised.length !== node.outputs.length)
    fail(`has ${node.outputs.length} outputs, the rule gives ${promised.length}`)
  promised.forEach(({ dtype, shape }, i) => {
    const output = node.outputs[i]!
    if (dtype !== output.dtype || !compatible(shape, output.shape))
      fail(`output ${i} is ${output}, the rule gives ${dtype}[${shape.join(', ')}]`)
  })
}

const compatible = (a: Shape, b: Shape): boolean =>
  a.length === b.length && a.every((dim, i) => broadcastDim(dim, b[i]!) !== undefined)
