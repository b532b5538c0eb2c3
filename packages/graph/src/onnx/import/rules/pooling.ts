import { applyOp } from '../../../op.js'
import { abs, mul, pow } from '../../../ops/arithmetic.js'
import { AveragePool, averagePool, GlobalAveragePool, GlobalMaxPool, MaxPool } from '../../../ops/pooling.js'
import { reduceSum } from '../../../ops/reduction.js'
import type { Tensor } from '../../../tensor.js'
import type { ImportedNode } from '../importedNode.js'
import { direct, type RuleTable, rule } from '../importRule.js'
import { type Windows, windowsOf } from './autoPad.js'

function poolWindows(node: ImportedNode): Windows {
  const kernel = node.ints('kernel_shape') ?? node.fail('attribute kernel_shape is missing.')
  if (kernel.some((taps) => taps < 1))
    return node.fail(`expected a kernel of sizes of 1 or more, found [${kernel.join(', ')}].`)
  return windowsOf(node, node.input(0), kernel)
}

function attributesOf(node: ImportedNode) {
  const { kernel, strides, dilations, pads } = poolWindows(node)
  return { kernel_shape: kernel, strides, dilations, pads, ceil_mode: node.int('ceil_mode', 0) }
}

// A convolution with a kernel that is longer than its padded axis has no window; pools have none either.
function globalLp(node: ImportedNode): Tensor {
  const x = node.input(0)
  const p = node.int('p', 2)
  const axes = x.shape.slice(2).map((_, i) => i + 2)
  if (axes.length === 0) return node.fail(`expected data [B, C, ...L], found ${x}.`)
  return pow(reduceSum(pow(abs(x), p), axes, true), 1 / p)
}

/** Pooling over windows and over whole axes. */
export const poolingRules: RuleTable = {
  AveragePool: rule(1, 1, (node) =>
    applyOp(AveragePool, [node.input(0)], {
      ...attributesOf(node),
      count_include_pad: node.int('count_include_pad', 0),
    }),
  ),
  GlobalAveragePool: direct(GlobalAveragePool, 1, 1),
  GlobalLpPool: rule(2, 1, globalLp),
  GlobalMaxPool: direct(GlobalMaxPool, 1, 1),
  LpPool: rule(2, 1, (node) => {
    const { kernel, ...windows } = poolWindows(node)
    if (node.int('ceil_mode', 0)) return node.unsupported('ceil_mode is not supported.')
    const p = node.int('p', 2)
    const taps = kernel.reduce((n, k) => n * k, 1)
    const means = averagePool(pow(abs(node.input(0)), p), { kernel, ...windows, countIncludePad: true })
    return pow(mul(means, taps), 1 / p)
  }),
  MaxPool: rule(1, 1, (node) =>
    applyOp(
      MaxPool,
      [node.input(0)],
      { ...attributesOf(node), storage_order: node.int('storage_order', 0) },
      node.wants(1) ? 2 : 1,
    ),
  ),
}
