import { apply1 } from '../../../op.js'
import { Conv } from '../../../ops/conv.js'
import { ConvTranspose } from '../../../ops/convTranspose.js'
import type { Tensor } from '../../../tensor.js'
import type { ImportedNode } from '../importedNode.js'
import { type RuleTable, rule } from '../importRule.js'
import { type Windows, windowsOf } from './autoPad.js'

// The kernel's sizes are the weight's; the attribute may only repeat them.
function kernelOf(node: ImportedNode, w: Tensor): readonly number[] {
  const sizes = w.shape.slice(2)
  const declared = node.ints('kernel_shape')
  if (
    declared &&
    (declared.length !== sizes.length || sizes.some((size, i) => typeof size === 'number' && size !== declared[i]))
  )
    return node.fail(`kernel_shape [${declared.join(', ')}] is not that of the weight, [${sizes.join(', ')}].`)
  const kernel = declared ?? sizes
  if (!kernel.every((size) => typeof size === 'number'))
    return node.unsupported(`the kernel has sizes [${kernel.join(', ')}]; expected numbers.`)
  return kernel as readonly number[]
}

function attributesOf(node: ImportedNode, { strides, dilations, pads }: Windows) {
  return { group: node.int('group', 1), strides, dilations, pads }
}

function convTranspose(node: ImportedNode): Tensor {
  const [x, w] = [node.input(0), node.input(1)]
  const kernel = kernelOf(node, w)
  const spatial = kernel.length
  const output_padding = [...(node.ints('output_padding') ?? new Array<number>(spatial).fill(0))]
  const mode = node.choice('auto_pad', ['NOTSET', 'VALID', 'SAME_UPPER', 'SAME_LOWER'], 'NOTSET')
  // Only strides, dilations and explicit pads are read here: SAME means other pads than for Conv.
  const windows = windowsOf(node, x, kernel)
  const wanted = node.ints('output_shape')?.slice(-spatial)
  if (output_padding.length !== spatial || (wanted && wanted.length !== spatial))
    return node.fail(`output_padding and output_shape need ${spatial} sizes.`)
  const pads = [...windows.pads]
  if (wanted || mode === 'SAME_UPPER' || mode === 'SAME_LOWER') {
    kernel.forEach((taps, axis) => {
      const [stride, length] = [windows.strides[axis]!, x.shape[axis + 2]!]
      const reach = windows.dilations[axis]! * (taps - 1) + 1
      // Without output_shape, SAME makes the result stride times as long, whatever the length is.
      if (wanted && typeof length !== 'number')
        node.unsupported(`output_shape needs a fixed size, found ${length}. Pass the size by dims or inputShapes.`)
      const size = typeof length === 'number' ? length : 1
      const total = stride * (size - 1) + output_padding[axis]! + reach - (wanted ? wanted[axis]! : size * stride)
      const [less, more] = total < 0 ? [0, 0] : [Math.floor(total / 2), Math.ceil(total / 2)]
      if (total < 0) output_padding[axis]! -= total
      pads[axis] = mode === 'SAME_UPPER' ? less : more
      pads[axis + spatial] = mode === 'SAME_UPPER' ? more : less
    })
  }
  return apply1(ConvTranspose, [x, w, node.optional(2)], { ...attributesOf(node, windows), pads, output_padding })
}

/** The convolution that a node describes, of data and weight that may have been computed from its inputs. */
export function convolve(node: ImportedNode, x: Tensor, w: Tensor, bias: Tensor | null): Tensor {
  return apply1(Conv, [x, w, bias], attributesOf(node, windowsOf(node, x, kernelOf(node, w))))
}

/** Convolutions. */
export const convolutionRules: RuleTable = {
  Conv: rule(1, [2, 3], (node) => convolve(node, node.input(0), node.input(1), node.optional(2))),
  ConvTranspose: rule(1, [2, 3], convTranspose),
}
