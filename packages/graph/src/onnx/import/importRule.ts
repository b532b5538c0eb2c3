import type { AttributeSpec, Attributes, AttributeValue, OpDefinition } from '../../op.js'
import { applyOp } from '../../op.js'
import type { Tensor } from '../../tensor.js'
import { tensorToArray } from '../proto/tensor.js'
import type { ImportedNode } from './importedNode.js'

/** Says an ONNX op, in every version from `since` on, in our ops. */
export interface ImportRule {
  /** First opset that has the op; 1 for all that are older than the oldest supported one. */
  readonly since: number
  /** Last opset that has the op. Default: it is still there. */
  readonly until?: number
  /** Fewest and most inputs. */
  readonly inputs: readonly [number, number]
  /** Makes the outputs; null for one that cannot be made. */
  readonly build: (node: ImportedNode) => Tensor | readonly (Tensor | null)[]
}

/** Rules by op type. */
export type RuleTable = Readonly<Record<string, ImportRule>>

/** Makes a rule. */
export const rule = (
  since: number,
  inputs: number | readonly [number, number],
  build: ImportRule['build'],
): ImportRule => ({ since, inputs: typeof inputs === 'number' ? [inputs, inputs] : inputs, build })

/** A rule for an op that is ours under the same name and meaning: inputs and attributes are taken over. */
export const direct = (
  op: OpDefinition,
  since: number,
  inputs: number | readonly [number, number],
  required: readonly string[] = [],
): ImportRule =>
  rule(since, inputs, (node) => {
    for (const name of required) if (!node.hasAttribute(name)) node.fail(`attribute ${name} is missing.`)
    return applyOp(op, node.inputs(), takenOver(op, node), node.outputCount)
  })

/** The node's attributes that `op` has too, by their kinds. */
export function takenOver(op: OpDefinition, node: ImportedNode): Attributes {
  const attributes: Record<string, AttributeValue> = {}
  for (const [name, spec] of Object.entries(op.attributes)) {
    const value = read(node, name, spec)
    if (value !== undefined) attributes[name] = value
  }
  return attributes
}

function read(node: ImportedNode, name: string, { kind }: AttributeSpec): AttributeValue {
  switch (kind) {
    case 'int':
      return node.int(name)
    case 'float':
      return node.float(name)
    case 'string':
      return node.string(name)
    case 'ints':
      return node.ints(name)
    case 'floats':
      return node.floats(name)
    case 'strings':
      return node.strings(name)
    case 'tensor': {
      const proto = node.attribute(name, 'TENSOR')
      if (!proto) return undefined
      const array = tensorToArray(proto)
      return array.dtype === 'string' ? node.unsupported(`attribute ${name} holds strings.`) : array
    }
    case 'graph':
      throw new TypeError(`unreachable: ${node.type} has a rule of its own for ${name}`)
  }
}
