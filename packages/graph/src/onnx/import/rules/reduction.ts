import { apply1, type OpDefinition } from '../../../op.js'
import { constant } from '../../../ops/leaves.js'
import * as reduction from '../../../ops/reduction.js'
import { direct, type ImportRule, type RuleTable, rule } from '../importRule.js'

/**
 * A reduction whose axes were an attribute before opset `axesInput`. No axes, or an empty list, mean all axes, unless
 * `noop_with_empty_axes` says none.
 */
const reduce = (op: OpDefinition, axesInput = 18): ImportRule =>
  rule(1, [1, 2], (node) => {
    const x = node.input(0)
    const asInput = node.version >= axesInput
    const axes = asInput ? node.numbers(1, 'axes') : node.ints('axes')
    const noop = asInput ? node.int('noop_with_empty_axes', 0) : 0
    const keepdims = node.int('keepdims', 1)
    if (axes === undefined || axes.length === 0) {
      return apply1(op, [x], { keepdims, noop_with_empty_axes: noop })
    }
    for (const axis of axes) {
      if (axis < -x.rank || axis >= x.rank) node.fail(`axis ${axis} is outside rank ${x.rank}.`)
    }
    // ONNX Runtime gets the shape of an empty tensor's reduction wrong when axes are negative.
    const normal = axes.map((axis) => (axis < 0 ? axis + x.rank : axis))
    return apply1(op, [x, constant(normal, 'int64')], { keepdims })
  })

/** Reductions over axes. */
export const reductionRules: RuleTable = {
  ArgMax: direct(reduction.ArgMax, 1, 1),
  ArgMin: direct(reduction.ArgMin, 1, 1),
  ReduceL1: reduce(reduction.ReduceL1),
  ReduceL2: reduce(reduction.ReduceL2),
  ReduceLogSum: reduce(reduction.ReduceLogSum),
  ReduceLogSumExp: reduce(reduction.ReduceLogSumExp),
  ReduceMax: reduce(reduction.ReduceMax),
  ReduceMean: reduce(reduction.ReduceMean),
  ReduceMin: reduce(reduction.ReduceMin),
  ReduceProd: reduce(reduction.ReduceProd),
  ReduceSum: reduce(reduction.ReduceSum, 13),
  ReduceSumSquare: reduce(reduction.ReduceSumSquare),
}
