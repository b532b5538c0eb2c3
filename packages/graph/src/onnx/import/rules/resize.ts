import { apply1 } from '../../../op.js'
import { constant } from '../../../ops/leaves.js'
import { Resize } from '../../../ops/resize.js'
import type { Tensor } from '../../../tensor.js'
import type { ImportedNode } from '../importedNode.js'
import { type RuleTable, rule, takenOver } from '../importRule.js'

// Before opset 11 there was one way: positions i / scale, rounded down.
const early = { coordinate_transformation_mode: 'asymmetric', nearest_mode: 'floor' }

function factors(node: ImportedNode, values: readonly number[] | undefined): Tensor {
  if (!values) return node.fail('its scales are missing.')
  if (values.length !== node.input(0).rank)
    return node.fail(`expected ${node.input(0).rank} scales, found ${values.length}.`)
  if (values.some((value) => !(value > 0))) return node.fail(`expected scales above 0, found [${values.join(', ')}].`)
  return constant(Float32Array.from(values))
}

const earlyMode = (node: ImportedNode): string =>
  node.choice('mode', ['nearest', 'linear', 'bilinear'], 'nearest').replace('bi', '')

/** Ops that change sizes by interpolation. */
export const resizeRules: RuleTable = {
  Resize: rule(10, [2, 4], (node) => {
    const x = node.input(0)
    if (node.version < 11)
      return apply1(Resize, [x, null, factors(node, node.numbers(1, 'scales'))], { mode: earlyMode(node), ...early })
    const attributes = takenOver(Resize, node)
    // Exporters pass empty regions and scales beside sizes.
    const isEmpty = (i: number) => node.optional(i)?.shape[0] === 0
    const roi = isEmpty(1) ? null : node.optional(1)
    const scales = node.has(2) && !isEmpty(2) ? constantScales(node) : null
    const sizes = node.has(3) && !scales ? node.input(3) : null
    return apply1(Resize, [x, roi, scales, sizes], attributes)
  }),
  Upsample: {
    ...rule(1, [1, 2], (node) => {
      const values = node.version < 9 ? node.floats('scales') : node.numbers(1, 'scales')
      return apply1(Resize, [node.input(0), null, factors(node, values)], { mode: earlyMode(node), ...early })
    }),
    until: 9,
  },
}

function constantScales(node: ImportedNode): Tensor {
  const values = node.data(2) && node.numbers(2, 'scales')
  return values ? constant(Float32Array.from(values)) : node.input(2)
}
