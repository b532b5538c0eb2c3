import { addDims, type Dim, multiplyDims, subtractDims } from '../dim.js'
import { apply1, defineOp, sameDType } from '../op.js'
import type { Tensor } from '../tensor.js'
import {
  type ConvGeometry,
  type ConvOptions,
  conv,
  convAttributes,
  convGeometry,
  convWeightGradient,
  geometryOf,
} from './conv.js'
import { reduceSum } from './reduction.js'

/**
 * Transposed convolution of `[B, I, ...L]` with `[I, O/group, ...k]` and an optional bias `[O]`: the adjoint of Conv,
 * with length stride (L - 1) + dilation (k - 1) + 1 + output_padding - pads. ONNX ConvTranspose-11.
 */
export const ConvTranspose = defineOp({
  type: 'ConvTranspose',
  since: 11,
  attributes: { ...convAttributes, output_padding: { kind: 'ints' }, output_shape: { kind: 'ints' } },
  infer: (context) => {
    const [x, w] = [context.input(0), context.input(1)]
    const dtype = sameDType(context, [0, 1])
    const spatial = x.rank - 2
    if (spatial < 1 || w.rank !== x.rank)
      context.fail('expected data [B, I, ...L] and weight [I, O/group, ...k] of one rank.')
    const { auto_pad, output_shape } = context.attributes as { auto_pad: string; output_shape?: readonly number[] }
    if (auto_pad !== 'NOTSET' || output_shape)
      context.fail('auto_pad and output_shape are not supported here; give explicit pads.')
    const geometry = geometryOf(context.attributes, spatial)
    const outputPadding = outputPaddingOf(context.attributes.output_padding as readonly number[] | undefined, spatial)
    const { strides, dilations, pads, group } = geometry
    if (
      strides.length !== spatial ||
      dilations.length !== spatial ||
      pads.length !== 2 * spatial ||
      outputPadding.length !== spatial
    ) {
      context.fail(`expected ${spatial} strides, dilations and output paddings and ${2 * spatial} pads.`)
    }
    if ([...strides, ...dilations, group].some((v) => !Number.isInteger(v) || v < 1)) {
      context.fail('strides, dilations and group must be whole numbers >= 1.')
    }
    if (outputPadding.some((extra, axis) => extra < 0 || extra >= Math.max(strides[axis]!, dilations[axis]!))) {
      context.fail('output padding must be smaller than the stride or the dilation.')
    }
    const [channels, perGroup] = [x.shape[1]!, w.shape[1]!]
    if (typeof channels === 'number' && typeof w.shape[0] === 'number' && channels !== w.shape[0]) {
      context.fail(`${channels} channels do not fit a weight for ${w.shape[0]}.`)
    }
    if (typeof channels === 'number' && channels % group !== 0)
      context.fail(`${channels} channels cannot form ${group} groups.`)
    const out = multiplyDims(perGroup, group)
    const bias = context.inputs[2]
    if (
      bias &&
      (bias.rank !== 1 || (typeof bias.shape[0] === 'number' && typeof out === 'number' && bias.shape[0] !== out))
    ) {
      context.fail(`expected a bias of [${out}].`)
    }
    const lengths = x.shape.slice(2).map((length, axis): Dim => {
      const reach = addDims(multiplyDims(subtractDims(w.shape[axis + 2]!, 1), dilations[axis]!), 1)
      const spread = multiplyDims(subtractDims(length, 1), strides[axis]!)
      const result = addDims(addDims(spread, reach), outputPadding[axis]! - pads[axis]! - pads[axis + spatial]!)
      if (typeof result === 'number' && result < 0) context.fail(`the pads remove more than axis ${axis + 2} has.`)
      return result
    })
    return [{ dtype, shape: [x.shape[0]!, out, ...lengths] }]
  },
  grad: ({ dy, inputs, needs, node }) => {
    const [x, w, bias] = inputs as readonly [Tensor, Tensor, Tensor | undefined]
    const geometry = geometryOf(node.attributes, x.rank - 2)
    const summed = dy.shape.flatMap((_, axis) => (axis === 1 ? [] : [axis]))
    return [
      needs(0) ? conv(dy, w, undefined, geometry) : null,
      needs(1) ? convWeightGradient(dy, x, w, geometry) : null,
      bias && needs(2) ? reduceSum(dy, summed) : null,
    ]
  },
})

const outputPaddingOf = (given: readonly number[] | undefined, spatial: number): readonly number[] =>
  given ?? new Array<number>(spatial).fill(0)

/** Options of `convTranspose`, per spatial axis or one number for all. */
export interface ConvTransposeOptions extends ConvOptions {
  /** Samples added at the end of each axis, fewer than the stride. Default 0. */
  readonly outputPadding?: number | readonly number[]
}

/**
 * Transposed convolution over 1 or 2 axes (also called deconvolution).
 *
 * @param x - `[B, I, ...L]`
 * @param weight - `[I, O / group, ...k]`
 * @param bias - `[O]`
 * @returns `[B, O, ...]`
 */
export function convTranspose(x: Tensor, weight: Tensor, bias?: Tensor, options: ConvTransposeOptions = {}): Tensor {
  const { outputPadding = 0, ...rest } = options
  const geometry: ConvGeometry = convGeometry(x.rank - 2, rest)
  const output_padding = typeof outputPadding === 'number' ? geometry.strides.map(() => outputPadding) : outputPadding
  return apply1(ConvTranspose, [x, weight, bias], { ...geometry, output_padding })
}
