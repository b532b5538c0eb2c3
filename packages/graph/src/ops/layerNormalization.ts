import { type Dim, productOfDims } from '../dim.js'
import { applyOp, defineOp, type GradientContext, normalizeAxis } from '../op.js'
import type { Tensor } from '../tensor.js'
import { add, div, mul, sub } from './arithmetic.js'
import { cast } from './cast.js'
import { reduceMean } from './reduction.js'
import { dimTensor } from './shape.js'
import { unbroadcast } from './unbroadcast.js'

/**
 * Normalises by mean and (population) variance over `axis` and all after it, then scales and shifts. Two more outputs,
 * with those axes as size 1, are the mean and 1 / sqrt(variance + epsilon). ONNX LayerNormalization-17.
 */
export const LayerNormalization = defineOp({
  type: 'LayerNormalization',
  since: 17,
  attributes: {
    axis: { kind: 'int', default: -1 },
    epsilon: { kind: 'float', default: 1e-5 },
    stash_type: { kind: 'int', default: 1 },
  },
  requiredOutputs: 1,
  infer: (context) => {
    const [x, scale] = [context.input(0), context.input(1)]
    const axis = normalizeAxis(context.attributes.axis as number, x.rank, context)
    for (const t of [scale, context.inputs[2]]) {
      if (t && t.rank > x.rank - axis) context.fail(`scale and bias must fit the axes from ${axis} on.`)
    }
    const statistic = { dtype: x.dtype, shape: x.shape.map((dim, i): Dim => (i < axis ? dim : 1)) }
    return [{ dtype: x.dtype, shape: x.shape }, statistic, statistic].slice(0, context.outputCount)
  },
  grad: layerGradient,
})

function layerGradient({ dy, x, node, inputs, outputs, dys, needs }: GradientContext): readonly (Tensor | null)[] {
  const [, scale, bias] = inputs as readonly [Tensor, Tensor, Tensor | undefined]
  const first = (node.attribute<number>('axis') + x.rank) % x.rank
  const axes = x.shape.flatMap((_, i) => (i < first ? [] : [i]))
  const [mean, inverse] =
    outputs.length >= 3
      ? [outputs[1]!, outputs[2]!]
      : (applyOp(LayerNormalization, inputs, node.attributes, 3).slice(1) as [Tensor, Tensor])
  const normal = mul(sub(x, mean), inverse)
  const dx = () => {
    // dx = (g - mean(g) - x̂ mean(g x̂)) / σ, and the statistics' own gradients
    const g = mul(dy, scale)
    const direct = sub(sub(g, reduceMean(g, axes, true)), mul(normal, reduceMean(mul(g, normal), axes, true)))
    let sum = mul(direct, inverse)
    const count = productOfDims(axes.map((axis) => x.shape[axis]!))
    const n = typeof count === 'number' ? count : cast(dimTensor(count, [x]), x.dtype)
    if (dys[1]) sum = add(sum, div(dys[1], n))
    if (dys[2]) sum = sub(sum, mul(normal, div(mul(dys[2], mul(inverse, inverse)), n)))
    return sum
  }
  return [
    needs(0) ? dx() : null,
    needs(1) ? unbroadcast(mul(dy, normal), scale) : null,
    bias && needs(2) ? unbroadcast(dy, bias) : null,
  ]
}

/**
 * Layer normalisation over the last axes of x.
 *
 * @param scale - Shape of the normalised axes.
 * @param bias - Shape of the normalised axes, or left out.
 * @param options.axis - First normalised axis. Default: as many as `scale` has.
 * @param options.epsilon - Added to the variance. Default 1e-5.
 */
export function layerNorm(
  x: Tensor,
  scale: Tensor,
  bias?: Tensor,
  options: { axis?: number; epsilon?: number } = {},
): Tensor {
  const { axis = -Math.max(scale.rank, 1), epsilon = 1e-5 } = options
  return applyOp(LayerNormalization, [x, scale, bias], { axis, epsilon }, 3)[0]!
}
