import { type Dim, multiplyDims } from '../dim.js'
import { applyOp, defineOp } from '../op.js'
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
  grad: ({ dy, node, inputs, outputs, needs }) => {
    const [x, scale, , runningMean, runningVar] = inputs as readonly [Tensor, Tensor, Tensor, Tensor, Tensor]
    const { epsilon, momentum, training_mode } = node.attributes as {
      epsilon: number
      momentum: number
      training_mode: number
    }
    const axes = x.shape.flatMap((_, axis) => (axis === 1 ? [] : [axis]))
    const perChannel = (t: Tensor) => reshapeTo(t, [x.shape[1]!, ...new Array<number>(x.rank - 2).fill(1)], [x])
    const batch = (running: Tensor, blended: Tensor) =>
      momentum === 0 ? blended : div(sub(blended, mul(running, momentum)), 1 - momentum)
    const mean = training_mode ? batch(runningMean, outputs[1]!) : runningMean
    const variance = training_mode ? batch(runningVar, outputs[2]!) : runningVar
    const inverse = div(1, sqrt(add(variance, epsilon)))
    const dBias = reduceSum(dy, axes)
    const centred = sub(x, perChannel(mean))
    const dScale = mul(reduceSum(mul(dy, centred), axes), inverse)
    const gain = mul(scale, inverse)
    if (!needs(0)) return [null, dScale, dBias]
    if (!training_mode) return [mul(dy, perChannel(gain)), dScale, dBias, neg(mul(dBias, gain)), null]
    // dx = gain (dy - mean(dy) - x̂ mean(dy x̂))
    const count = axes.reduce<Dim>((product, axis) => multiplyDims(product, x.shape[axis]!), 1)
    const n = typeof count === 'number' ? count : cast(dimTensor(count, [x]), x.dtype)
    const slope = div(mul(mul(gain, inverse), dScale), n)
    const offset = div(mul(gain, dBias), n)
    const dx = sub(sub(mul(dy, perChannel(gain)), mul(centred, perChannel(slope))), perChannel(offset))
    return [dx, dScale, dBias]
  },
})

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
