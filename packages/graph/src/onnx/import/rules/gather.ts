import { apply1, applyOp } from '../../../op.js'
import { cast } from '../../../ops/cast.js'
import { Gather, GatherElements, GatherND, gather } from '../../../ops/gather.js'
import { constant } from '../../../ops/leaves.js'
import { NonZero, nonZero } from '../../../ops/nonZero.js'
import { OneHot, oneHot } from '../../../ops/oneHot.js'
import { argMax } from '../../../ops/reduction.js'
import { reshapeTo, squeeze } from '../../../ops/reshape.js'
import { ReverseSequence } from '../../../ops/reverseSequence.js'
import { ScatterElements, ScatterND } from '../../../ops/scatter.js'
import { TopK } from '../../../ops/topK.js'
import { where } from '../../../ops/where.js'
import { direct, type RuleTable, rule } from '../importRule.js'
import { overLastAxes } from './overLastAxes.js'

/** Ops that pick or place elements by position. */
export const gatherRules: RuleTable = {
  Compress: rule(9, 2, (node) => {
    const axis = node.int('axis')
    const positions = squeeze(nonZero(node.input(1)), 0)
    const x = node.input(0)
    return axis === undefined ? gather(reshapeTo(x, [-1], []), positions) : gather(x, positions, axis)
  }),
  Gather: direct(Gather, 1, 2),
  GatherElements: direct(GatherElements, 11, 2),
  GatherND: direct(GatherND, 11, 2),
  Hardmax: rule(1, 1, (node) =>
    overLastAxes(node, (x, axis) => {
      const size = x.dim(axis)
      if (typeof size !== 'number') return node.unsupported(`its axis has size ${size}; expected a number.`)
      return oneHot(argMax(x, axis), size, axis, x.dtype)
    }),
  ),
  NonZero: direct(NonZero, 9, 1),
  OneHot: rule(9, 3, (node) => {
    const [indices, values] = [node.input(0), node.input(2)]
    const depth = node.data(1) ? constant(node.number(1, 'depth')!, 'int64') : cast(node.input(1), 'int64')
    const axis = node.int('axis', -1)
    const positions = cast(indices, 'int64')
    if (values.dtype === 'float32' || values.dtype === 'int64')
      return apply1(OneHot, [positions, depth, values], { axis })
    // ONNX Runtime has kernels for few types of values.
    const hits = apply1(OneHot, [positions, depth, constant([0, 1])], { axis })
    const value = (i: number) => gather(values, constant(i, 'int64'))
    return where(cast(hits, 'bool'), value(1), value(0))
  }),
  ReverseSequence: direct(ReverseSequence, 10, 2),
  Scatter: { ...direct(ScatterElements, 9, 3), until: 10 },
  ScatterElements: direct(ScatterElements, 11, 3),
  ScatterND: direct(ScatterND, 11, 3),
  TopK: rule(1, [1, 2], (node) => {
    const k =
      node.version < 10 ? constant([node.int('k') ?? node.fail('attribute k is missing.')], 'int64') : node.input(1)
    const attributes =
      node.version < 11
        ? { axis: node.int('axis', -1) }
        : { axis: node.int('axis', -1), largest: node.int('largest', 1), sorted: node.int('sorted', 1) }
    return applyOp(TopK, [node.input(0), k], attributes, 2)
  }),
}
