import { productOfDims } from '../../../dim.js'
import { applyOp } from '../../../op.js'
import { add, div, mul, pow, square, sub } from '../../../ops/arithmetic.js'
import { BatchNormalization, batchNormTraining } from '../../../ops/batchNormalization.js'
import { expand } from '../../../ops/expand.js'
import { sqrt } from '../../../ops/exponential.js'
import { groupNorm, InstanceNormalization } from '../../../ops/instanceNormalization.js'
import { LayerNormalization } from '../../../ops/layerNormalization.js'
import { LpNormalization } from '../../../ops/lpNormalization.js'
import { averagePool } from '../../../ops/pooling.js'
import { reduceMean } from '../../../ops/reduction.js'
import { reshapeTo, unsqueeze } from '../../../ops/reshape.js'
import { logSoftmax, softmax } from '../../../ops/softmax.js'
import type { Tensor } from '../../../tensor.js'
import type { ImportedNode } from '../importedNode.js'
import { direct, type RuleTable, rule } from '../importRule.js'
import { overLastAxes } from './overLastAxes.js'

function batchNormalization(node: ImportedNode): readonly (Tensor | null)[] {
  const [x, scale, bias] = [node.input(0), node.input(1), node.input(2)]
  const [mean, variance] = [node.input(3, 'buffer'), node.input(4, 'buffer')]
  const [epsilon, momentum] = [node.float('epsilon', 1e-5), node.float('momentum', 0.9)]
  if (node.version < 9 && node.int('spatial', 1) === 0)
    return node.unsupported('statistics per position (spatial = 0) are not supported.')
  // Before opset 14 a node that gives statistics was one in training mode.
  const training = node.version < 14 ? [1, 2, 3, 4].some((i) => node.wants(i)) : node.int('training_mode', 0) !== 0
  if (!training) return applyOp(BatchNormalization, [x, scale, bias, mean, variance], { epsilon, momentum })
  const batch = batchNormTraining(x, scale, bias, epsilon)
  const blend = (running: Tensor, now: Tensor) => add(mul(running, momentum), mul(now, 1 - momentum))
  return [batch.y, blend(mean, batch.mean), blend(variance, batch.variance), batch.mean, batch.variance]
}

function groupNormalization(node: ImportedNode): Tensor {
  const [x, scale, bias] = [node.input(0), node.input(1), node.input(2)]
  const groups = node.int('num_groups') ?? node.fail('attribute num_groups is missing.')
  node.ignore('stash_type')
  const channels = x.shape[1]
  if (groups < 1 || typeof channels !== 'number' || channels % groups !== 0)
    return node.fail(`its ${channels ?? 'missing'} channels cannot form ${groups} groups.`)
  // In opset 18 scale and bias were per group; each channel takes its group's.
  const perChannel = (t: Tensor) =>
    node.version < 21 ? reshapeTo(expand(unsqueeze(t, 1), [groups, channels / groups], [t]), [channels], [t]) : t
  return groupNorm(x, groups, perChannel(scale), perChannel(bias), node.float('epsilon', 1e-5))
}

// The squares' sum over neighbouring channels is an average pool along the channels, which become a spatial axis.
function localResponse(node: ImportedNode): Tensor {
  const x = node.input(0)
  const size = node.int('size') ?? node.fail('attribute size is missing.')
  if (x.rank < 3 || size < 1)
    return node.fail(`expected data [B, C, ...L] and a size of 1 or more, found ${x} and ${size}.`)
  const plane = reshapeTo(square(x), [x.shape[0]!, 1, x.shape[1]!, productOfDims(x.shape.slice(2))], [x])
  const means = averagePool(plane, {
    kernel: [size, 1],
    strides: 1,
    pads: [Math.floor((size - 1) / 2), 0, Math.ceil((size - 1) / 2), 0],
  })
  const scaled = mul(reshapeTo(means, x.shape, [x]), node.float('alpha', 1e-4))
  return div(x, pow(add(scaled, node.float('bias', 1)), node.float('beta', 0.75)))
}

/** Ops that bring values to a common scale. */
export const normalizationRules: RuleTable = {
  BatchNormalization: rule(1, 5, batchNormalization),
  GroupNormalization: rule(18, 3, groupNormalization),
  InstanceNormalization: direct(InstanceNormalization, 1, 3),
  LRN: rule(1, 1, localResponse),
  LayerNormalization: direct(LayerNormalization, 17, [2, 3]),
  LogSoftmax: rule(1, 1, (node) => overLastAxes(node, logSoftmax)),
  LpNormalization: direct(LpNormalization, 1, 1),
  MeanVarianceNormalization: rule(9, 1, (node) => {
    const x = node.input(0)
    const axes = node.ints('axes') ?? [0, 2, 3]
    const centred = sub(x, reduceMean(x, axes, true))
    return div(centred, add(sqrt(reduceMean(square(centred), axes, true)), 1e-9))
  }),
  RMSNormalization: rule(23, 2, (node) => {
    const x = node.input(0)
    node.ignore('stash_type')
    const first = node.int('axis', -1)
    const axes = x.shape.flatMap((_, i) => (i < (first < 0 ? first + x.rank : first) ? [] : [i]))
    const scale = sqrt(add(reduceMean(square(x), axes, true), node.float('epsilon', 1e-5)))
    return mul(div(x, scale), node.input(1))
  }),
  Softmax: rule(1, 1, (node) => overLastAxes(node, softmax)),
}
