import { floorDivideDims, productOfDims } from '../dim.js'
import { ShapeError } from '../errors.js'
import { applyOp, defineOp } from '../op.js'
import type { Tensor } from '../tensor.js'
import { add, div, mul, sub } from './arithmetic.js'
import { sqrt } from './exponential.js'
import { full } from './leaves.js'
import { reduceMean, reduceSum } from './reduction.js'
import { reshapeTo } from './reshape.js'

/**
 * Normalises each channel of each item of `[B, C, ...L]` by its own mean and (population) variance, then scales and
 * shifts by `[C]`. ONNX InstanceNormalization-6.
 */
export const InstanceNormalization = defineOp({
  type: 'InstanceNormalization',
  since: 6,
  attributes: { epsilon: { kind: 'float', default: 1e-5 } },
  infer: (context) => {
    const x = context.input(0)
    if (x.rank < 3) context.fail('expected data [B, C, ...L].')
    for (const i of [1, 2]) {
      const t = context.input(i)
      if (
        t.rank !== 1 ||
        (typeof t.shape[0] === 'number' && typeof x.shape[1] === 'number' && t.shape[0] !== x.shape[1])
      ) {
        context.fail(`input ${i} must have shape [${x.shape[1]}].`)
      }
    }
    return [{ dtype: x.dtype, shape: x.shape }]
  },
  grad: ({ dy, x, node, inputs, needs }) => {
    const scale = inputs[1]!
    const spatial = x.shape.slice(2).map((_, i) => i + 2)
    const perChannel = (t: Tensor) => reshapeTo(t, [x.shape[1]!, ...spatial.map(() => 1)], [x])
    const centred = sub(x, reduceMean(x, spatial, true))
    const inverse = div(
      1,
      sqrt(add(reduceMean(mul(centred, centred), spatial, true), node.attribute<number>('epsilon'))),
    )
    const normal = mul(centred, inverse)
    const dx = () => {
      const g = mul(dy, perChannel(scale))
      return mul(
        sub(sub(g, reduceMean(g, spatial, true)), mul(normal, reduceMean(mul(g, normal), spatial, true))),
        inverse,
      )
    }
    const summed = [0, ...spatial]
    return [
      needs(0) ? dx() : null,
      needs(1) ? reduceSum(mul(dy, normal), summed) : null,
      needs(2) ? reduceSum(dy, summed) : null,
    ]
  },
})

/**
 * Instance normalisation of `[B, C, ...L]`.
 *
 * @param scale - `[C]`
 * @param bias - `[C]`
 */
export const instanceNorm = (x: Tensor, scale: Tensor, bias: Tensor, epsilon = 1e-5): Tensor =>
  applyOp(InstanceNormalization, [x, scale, bias], { epsilon })[0]!

/**
 * Group normalisation of `[B, C, ...L]`: channels are normalised in `groups` of neighbours, then scaled and shifted
 * each by its own. Written as instance normalisation of groups (Wu and He 2018; PyTorch's `group_norm`).
 *
 * @param scale - `[C]`
 * @param bias - `[C]`
 * @throws ShapeError if the channels do not form so many groups.
 */
export function groupNorm(x: Tensor, groups: number, scale: Tensor, bias: Tensor, epsilon = 1e-5): Tensor {
  const channels = x.shape[1]
  if (typeof channels === 'number' && channels % groups !== 0) {
    throw new ShapeError(`groupNorm: ${channels} channels cannot form ${groups} groups.`)
  }
  const lengths = x.shape.slice(2)
  const width = productOfDims(x.shape.slice(1))
  const rows = reshapeTo(x, [x.shape[0]!, groups, floorDivideDims(width, groups)], [x])
  const normal = instanceNorm(rows, full([groups], 1, x.dtype), full([groups], 0, x.dtype), epsilon)
  const perChannel = (t: Tensor) => reshapeTo(t, [x.shape[1]!, ...lengths.map(() => 1)], [x])
  return add(mul(reshapeTo(normal, x.shape, [x]), perChannel(scale)), perChannel(bias))
}
