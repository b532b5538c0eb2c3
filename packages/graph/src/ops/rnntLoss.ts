import { addDims, type Dim, multiplyDims } from '../dim.js'
import { applyOp, defineOp } from '../op.js'
import type { Node, Tensor } from '../tensor.js'
import { add, maximum, mul, neg, sub } from './arithmetic.js'
import { cast } from './cast.js'
import { equal, less, logicalAnd } from './comparison.js'
import { concat } from './concat.js'
import { expand } from './expand.js'
import { exp } from './exponential.js'
import { fill, fullLike, range } from './fill.js'
import { gatherElements } from './gather.js'
import { constant } from './leaves.js'
import { lengthMask } from './lengthMask.js'
import { logSumExpOf } from './logSumExpOf.js'
import { reduceSum } from './reduction.js'
import { reshapeTo, squeeze, unsqueeze } from './reshape.js'
import { scan } from './scan.js'
import { scatterElements } from './scatter.js'
import { dimTensor } from './shape.js'
import { narrow, takeFirst } from './slice.js'
import { logSoftmax } from './softmax.js'
import { transpose } from './transpose.js'
import { where } from './where.js'

/**
 * Transducer (RNN-T) loss of each utterance (Graves 2012).
 *
 * Inputs: logits of the lattice `[B, T, U + 1, C]`, normalised here by a log-softmax over C (which changes nothing for
 * log-probabilities), targets int64 `[B, U]` (padding is ignored), input lengths int64 `[B]`, target lengths int64 `[B]`.
 * Outputs: loss `[B]`, and its gradient with respect to the logits `[B, T, U + 1, C]`, 0 on padding.
 * An utterance without frames fits an empty target only; otherwise its loss is infinite and its gradient 0.
 */
export const RNNTLoss = defineOp({
  type: 'RNNTLoss',
  domain: 'nemo',
  since: 1,
  attributes: { blank: { kind: 'int', default: 0 } },
  infer: (context) => {
    const [logits, targets] = [context.input(0), context.input(1)]
    if (logits.rank !== 4) context.fail('expected logits of shape [B, T, U + 1, C].')
    if (targets.rank !== 2 || targets.dtype !== 'int64') context.fail('expected int64 targets of shape [B, U].')
    for (const lengths of [context.input(2), context.input(3)]) {
      if (lengths.rank !== 1 || lengths.dtype !== 'int64') context.fail('expected int64 lengths of shape [B].')
    }
    const [rows, labels] = [logits.shape[2]!, targets.shape[1]!]
    if (typeof rows === 'number' && typeof labels === 'number' && rows !== labels + 1)
      context.fail(`expected ${labels} + 1 label positions for targets of ${labels} labels, found ${rows}.`)
    const { blank } = context.attributes as { blank: number }
    const classes = logits.shape[3]!
    if (blank < 0 || (typeof classes === 'number' && blank >= classes))
      context.fail(`blank ${blank} is not one of ${classes} classes.`)
    return [
      { dtype: logits.dtype, shape: [logits.shape[0]!] },
      { dtype: logits.dtype, shape: logits.shape },
    ]
  },
  decompose: rnntDefinition,
  grad: ({ dy, outputs }) => [mul(unsqueeze(dy, [1, 2, 3]), outputs[1]!), null, null, null],
})

// The logarithm of zero: finite, so that differences of two of them are numbers.
const LOG_ZERO = -1e30

// Nodes (t, u) with t + u = d lie on diagonal d, which depends on diagonal d - 1 only. So lattices are sheared: column d
// of row u holds frame d - u, and one loop over D = T + U + 1 diagonals walks all frames and labels at once.
function rnntDefinition(node: Node, inputs: readonly (Tensor | null)[]): readonly Tensor[] {
  const [given, targets, inputLengths, targetLengths] = inputs as readonly [Tensor, Tensor, Tensor, Tensor]
  // LOG_ZERO needs float32's range.
  const logProbs = logSoftmax(cast(given, 'float32'), -1)
  const { blank } = node.attributes as { blank: number }
  const [B, T, U1, C] = logProbs.shape as readonly [Dim, Dim, Dim, Dim]
  const sources = [logProbs, targets]
  const D = addDims(T, U1)
  const perFrame = (x: Tensor) => expand(unsqueeze(x, 1), [B, T, U1, 2], [logProbs, x])

  // Arcs that leave each node: a blank to the next frame, a label to the next row. The last row has no label.
  const labels = reshapeTo(concat([targets, fill([B, 1], blank, 'int64', sources)], 1), [B, U1], sources)
  const arcClasses = perFrame(concat([unsqueeze(fullLike(labels, blank), 2), unsqueeze(labels, 2)], 2))
  const arcScores = maximum(gatherElements(logProbs, arcClasses, 3), LOG_ZERO)
  // [2, B, U1, T]
  const isFrame = unsqueeze(lengthMask(inputLengths, T, sources), [0, 2])
  const row = unsqueeze(range(dimTensor(U1, sources)), 0)
  const rowEnds = (extra: number) => less(row, add(unsqueeze(targetLengths, 1), extra))
  const leaves = concat([unsqueeze(rowEnds(1), 0), unsqueeze(rowEnds(0), 0)], 0)
  const valid = logicalAnd(isFrame, unsqueeze(leaves, 3))
  const arcs = where(valid, transpose(arcScores, [3, 0, 2, 1]), LOG_ZERO)

  // [2, B, U1, T] -> [D, 2, B, U1]
  const margin = fill([2, B, U1, addDims(U1, 1)], LOG_ZERO, 'float32', sources)
  const wide = reshapeTo(concat([arcs, margin], 3), [2, B, multiplyDims(U1, addDims(D, 1))], sources)
  const sheared = reshapeTo(takeFirst(wide, -1, multiplyDims(U1, D), sources), [2, B, U1, D], sources)
  const diagonals = transpose(sheared, [3, 0, 1, 2])

  // The last blank leads to a node of its own, (input length, target length), where every alignment ends.
  const diagonal = unsqueeze(range(dimTensor(D, sources)), [1, 2])
  const endDiagonal = unsqueeze(add(inputLengths, targetLengths), [0, 2])
  const isEnd = logicalAnd(equal(diagonal, endDiagonal), unsqueeze(equal(row, unsqueeze(targetLengths, 1)), 0))

  const edge = fill([B, 1], LOG_ZERO, 'float32', sources)
  const down = (x: Tensor) => reshapeTo(narrow(concat([edge, x], 1), 1, 0, -1), [B, U1], [x])
  const up = (x: Tensor) => reshapeTo(narrow(concat([x, edge], 1), 1, 1), [B, U1], [x])
  const arcOf = (pair: Tensor, kind: 0 | 1) => squeeze(narrow(pair, 0, kind, kind + 1), 0)

  const atStart = expand(equal(row, 0), [B, U1], [logProbs])
  const { rows: forward } = scan({
    states: [where(atStart, constant(0), constant(LOG_ZERO))],
    sequences: [diagonals],
    step: ([alpha], [pair]) => {
      const next = logSumExpOf([add(alpha!, arcOf(pair!, 0)), down(add(alpha!, arcOf(pair!, 1)))])
      return { states: [next], rows: [alpha!] }
    },
  })
  // From each arc to the end, the arc included: [D, 2, B, U1]
  const { rows: backward } = scan({
    states: [fill([B, U1], LOG_ZERO, 'float32', sources)],
    sequences: [diagonals, isEnd],
    reverse: true,
    step: ([ahead], [pair, ends]) => {
      const remaining = add(pair!, concat([unsqueeze(ahead!, 0), unsqueeze(up(ahead!), 0)], 0))
      const here = logSumExpOf([arcOf(remaining, 0), arcOf(remaining, 1)])
      return { states: [where(ends!, constant(0), here)], rows: [remaining] }
    },
  })

  const alpha = forward[0]!
  const logLikelihood = reduceSum(where(isEnd, alpha, 0), [0, 2])
  const infeasible = less(logLikelihood, LOG_ZERO / 10)
  const loss = where(infeasible, constant(Number.POSITIVE_INFINITY), sub(0, logLikelihood))

  // Probability that an alignment uses each arc: [D, 2, B, U1] -> [B, T, U1, 2]
  const onArc = sub(add(unsqueeze(alpha, 1), backward[0]!), unsqueeze(logLikelihood, [0, 1, 3]))
  const posterior = where(unsqueeze(infeasible, [0, 1, 3]), constant(0), exp(onArc))
  const flat = reshapeTo(transpose(posterior, [1, 2, 3, 0]), [2, B, multiplyDims(U1, D)], sources)
  const padded = concat([flat, fill([2, B, U1], 0, 'float32', sources)], 2)
  const unsheared = reshapeTo(padded, [2, B, U1, addDims(D, 1)], sources)
  const used = transpose(reshapeTo(takeFirst(unsheared, -1, T, sources), [2, B, U1, T], sources), [1, 3, 2, 0])

  // d loss / d logits = softmax * occupancy of the node - posterior of the arc
  const occupancy = reduceSum(used, 3, true)
  const gradient = scatterElements(mul(exp(logProbs), occupancy), arcClasses, neg(used), 3, 'add')
  return [cast(loss, given.dtype), cast(reshapeTo(gradient, [B, T, U1, C], sources), given.dtype)]
}

/** Inputs of `rnntLoss`. */
export interface RNNTLossInputs {
  /** `[B, T, U + 1, C]`: scores of each class after t frames and u labels; logits or log-probabilities. */
  readonly logits: Tensor
  /** int64 `[B, U]` */
  readonly targets: Tensor
  /** int64 `[B]`, frames */
  readonly inputLengths: Tensor
  /** int64 `[B]`, labels */
  readonly targetLengths: Tensor
}

/**
 * Transducer loss of each utterance, `[B]`; see RNNTLoss.
 *
 * @param options.blank - Index of the blank class.
 */
export function rnntLoss(inputs: RNNTLossInputs, options: { readonly blank: number }): Tensor {
  const { logits, targets, inputLengths, targetLengths } = inputs
  return applyOp(RNNTLoss, [logits, targets, inputLengths, targetLengths], { blank: options.blank }, 2)[0]!
}
