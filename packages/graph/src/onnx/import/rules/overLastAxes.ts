import { flatten, reshapeLike } from '../../../ops/reshape.js'
import type { Tensor } from '../../../tensor.js'
import type { ImportedNode } from '../importedNode.js'

/**
 * Softmax and its relatives. Before opset 13 they worked on a matrix: the axes from `axis` (default 1) on were one; from
 * then on they work along `axis` (default the last).
 */
export function overLastAxes(node: ImportedNode, build: (x: Tensor, axis: number) => Tensor): Tensor {
  const x = node.input(0)
  const given = node.int('axis', node.version < 13 ? 1 : -1)
  const axis = given < 0 ? given + x.rank : given
  if (node.version >= 13 || axis === x.rank - 1) return build(x, axis)
  if (axis < 0 || axis > x.rank) return node.fail(`axis ${given} is outside rank ${x.rank}.`)
  return reshapeLike(build(flatten(x, axis), 1), x)
}
