import { type Dim, multiplyDims } from '../dim.js'
import { applyOp, defineOp, type GradientContext } from '../op.js'
import type { Tensor } from '../tensor.js'
import { add, div, mul, neg, sub } from './arithmetic.js'
import { cast } from './cast.js'
import { sqrt } from './exponential.js'
import { reduceMean, reduceSum } from './reduction.js'
import { reshapeTo } from './reshape.js'
import { dimTensor } from './shape.js'

/**
 * Normalises each channel of `[B, C, ...]` by running statistics, or in training mode by the batch's own (biased)
 * variance. Training mode has two more outputs: running * momentum + batch * (1 - momentum) for mean and (population)
 * variance. ONNX BatchNormalization-15.
 */
export const BatchNormalization = defineOp({
  type: 'BatchNormalization',
  since: 15,
  attributes: {
    epsilon: { kind: 'float', default: 1e-5 },
    momentum: { kind: 'float', default: 0.9 },
    training_mode: { kind: 'int', default: 0 },
  },
  infer: (context) => {
    const x = context.input(0)
    if (x.rank < 2) context.fail('expected data of rank 2 or more.')
    const channels = x.shape[1]!
    for (let i = 1; i < 5; i++) {
      const t = context.input(i)
      if (t.rank !== 1 || (typeof t.shape[0] === 'number' && typeof channels === 'number' && t.shape[0] !== channels)) {
        context.fail(`input ${i} must have shape [${channels}].`)
      }
    }
    const y = { dtype: x.dtype, shape: x.shape }
    if (!context.attributes.training_mode) return [y]
    const statistic = { dtype: context.input(3).dtype, shape: context.input(3).shape }
    return [y, statistic, statistic]
  },
  grad: (context) =>
    context.node.attribute<number>('training_mode') ? trainingGradient(context) : inferenceGradient(context),
})

// What both modes share: sums over everything but the channel, and vectors `[C]` that broadcast against the data.
function channelwise(x: Tensor) {
  const axes = x.shape.flatMap((_, axis) => (axis === 1 ? [] : [axis]))
  const perChannel = (t: Tensor) => reshapeTo(t, [x.shape[1]!, ...new Array<number>(x.rank - 2).fill(1)], [x])
  return { axes, perChannel, sumOver: (t: Tensor) => reduceSum(t, axes) }
}

function inferenceGradient({ dy, node, inputs, needs }: GradientContext): readonly (Tensor | null)[] {
  const [x, scale, , mean, variance] = inputs as readonly [Tensor, Tensor, Tensor, Tensor, Tensor]
  const { perChannel, sumOver } = channelwise(x)
  const inverse = div(1, sqrt(add(variance, node.attribute<number>('epsilon'))))
  const gain = mul(scale, inverse)
  const dBias = sumOver(dy)
  const dScale = () => mul(sumOver(mul(dy, sub(x, perChannel(mean)))), inverse)
  return [
    needs(0) ? mul(dy, perChannel(gain)) : null,
    needs(1) ? dScale() : null,
    needs(2) ? dBias : null,
    needs(3) ? neg(mul(dBias, gain)) : null,
    needs(4) ? mul(mul(dScale(), -0.5), mul(gain, inverse)) : null,
  ]
}

function trainingGradient({ dy, node, inputs, outputs, dys, needs }: GradientContext): readonly (Tensor | null)[] {
  const [x, scale] = inputs as readonly [Tensor, Tensor]
  const { epsilon, momentum } = node.attributes as { epsilon: number; momentum: number }
  const { axes, perChannel, sumOver } = channelwise(x)
  const [mean, variance] = momentum === 0 ? [outputs[1]!, outputs[2]!] : batchStatistics(x, axes)
  const inverse = div(1, sqrt(add(variance, epsilon)))
  const dBias = sumOver(dy)
  const centred = sub(x, perChannel(mean))
  const dScale = mul(sumOver(mul(dy, centred)), inverse)
  const [dMean, dVariance] = [dys[1], dys[2]]
  const kept = (dRunning: Tensor | null | undefined) => (dRunning ? mul(dRunning, momentum) : null)
  const rest = [dScale, dBias, kept(dMean), kept(dVariance)]
  if (!needs(0)) return [null, ...rest]
  // dx = gain (dy - mean(dy) - x̂ mean(dy x̂)), and the statistics' own gradients
  const count = axes.reduce<Dim>((product, axis) => multiplyDims(product, x.shape[axis]!), 1)
  const n = typeof count === 'number' ? count : cast(dimTensor(count, [x]), x.dtype)
  const gain = mul(scale, inverse)
  const blended = (d: Tensor) => (momentum === 0 ? d : mul(d, 1 - momentum))
  let slope = neg(mul(mul(gain, inverse), dScale))
  if (dVariance) slope = add(slope, mul(blended(dVariance), 2))
  let offset = neg(mul(gain, dBias))
  if (dMean) offset = add(offset, blended(dMean))
  const direct = mul(dy, perChannel(gain))
  const dx = add(add(direct, mul(centred, perChannel(div(slope, n)))), perChannel(div(offset, n)))
  return [dx, ...rest]
}

function batchStatistics(x: Tensor, axes: readonly number[]): readonly [Tensor, Tensor] {
  const { mean, variance } = moments(x, axes)
  return [reshapeTo(mean, [x.shape[1]!], [x]), reshapeTo(variance, [x.shape[1]!], [x])]
}

/**
 * Batch normalisation by given statistics.
 *
 * @param x - `[B, C, ...]`; the other tensors are `[C]`.
 */
export function batchNormInference(
  x: Tensor,
  scale: Tensor,
  bias: Tensor,
  mean: Tensor,
  variance: Tensor,
  epsilon: number,
): Tensor {
  return applyOp(BatchNormalization, [x, scale, bias, mean, variance], { epsilon, training_mode: 0 })[0]!
}

/**
 * Batch normalisation by the batch's own statistics.
 *
 * @param x - `[B, C, ...]`; scale and bias are `[C]`.
 * @returns the normalised data, and the batch's mean and population variance `[C]`.
 */
export function batchNormTraining(
  x: Tensor,
  scale: Tensor,
  bias: Tensor,
  epsilon: number,
): { y: Tensor; mean: Tensor; variance: Tensor } {
  // With momentum 0 the "running" outputs are the batch's statistics; the inputs in their place are never read.
  const [y, mean, variance] = applyOp(
    BatchNormalization,
    [x, scale, bias, scale, scale],
    { epsilon, momentum: 0, training_mode: 1 },
    3,
  )
  return { y: y!, mean: mean!, variance: variance! }
}

/** Mean and population variance over axes, keeping them as size 1. */
export function moments(x: Tensor, axes: readonly number[]): { mean: Tensor; variance: Tensor } {
  const mean = reduceMean(x, axes, true)
  const centred = sub(x, mean)
  return { mean, variance: reduceMean(mul(centred, centred), axes, true) }
}
