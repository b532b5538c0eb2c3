import { addDims, multiplyDims } from '../dim.js'
import { applyOp, defineOp } from '../op.js'
import type { Node, Tensor } from '../tensor.js'
import { add, maximum, mul, neg, sub } from './arithmetic.js'
import { cast } from './cast.js'
import { equal, greater, greaterOrEqual, less, logicalAnd, logicalNot } from './comparison.js'
import { concat } from './concat.js'
import { expand } from './expand.js'
import { exp } from './exponential.js'
import { fill, range } from './fill.js'
import { gatherElements } from './gather.js'
import { constant } from './leaves.js'
import { logSumExpOf } from './logSumExpOf.js'
import { matMul } from './matMul.js'
import { oneHot } from './oneHot.js'
import { reshapeTo, squeeze, unsqueeze } from './reshape.js'
import { scan } from './scan.js'
import { dimTensor } from './shape.js'
import { narrow } from './slice.js'
import { transpose } from './transpose.js'
import { where } from './where.js'

/**
 * Connectionist temporal classification loss of each utterance (Graves et al. 2006).
 *
 * Inputs: log-probabilities `[B, T, C]`, targets int64 `[B, U]` (padding is ignored), input lengths int64 `[B]`, target
 * lengths int64 `[B]`. Outputs: loss `[B]`, and its gradient with respect to the log-probabilities `[B, T, C]`.
 * The gradient is PyTorch's: exp(logProbs) - posterior, i.e. already with respect to the logits behind a log-softmax.
 * An utterance that no alignment fits has an infinite loss and a NaN gradient, or 0 and 0 with `zero_infinity`.
 */
export const CTCLoss = defineOp({
  type: 'CTCLoss',
  domain: 'nemo',
  since: 1,
  attributes: { blank: { kind: 'int', default: 0 }, zero_infinity: { kind: 'int', default: 0 } },
  infer: (context) => {
    const [logProbs, targets, inputLengths, targetLengths] = [0, 1, 2, 3].map((i) => context.input(i)) as [
      Tensor,
      Tensor,
      Tensor,
      Tensor,
    ]
    if (logProbs.rank !== 3) context.fail('expected log-probabilities of shape [B, T, C].')
    if (targets.rank !== 2 || targets.dtype !== 'int64') context.fail('expected int64 targets of shape [B, U].')
    for (const lengths of [inputLengths, targetLengths]) {
      if (lengths.rank !== 1 || lengths.dtype !== 'int64') context.fail('expected int64 lengths of shape [B].')
    }
    const { blank } = context.attributes as { blank: number }
    const classes = logProbs.shape[2]!
    if (blank < 0 || (typeof classes === 'number' && blank >= classes))
      context.fail(`blank ${blank} is not one of ${classes} classes.`)
    return [
      { dtype: logProbs.dtype, shape: [logProbs.shape[0]!] },
      { dtype: logProbs.dtype, shape: logProbs.shape },
    ]
  },
  decompose: ctcDefinition,
  grad: ({ dy, outputs }) => [mul(unsqueeze(dy, [1, 2]), outputs[1]!)],
})

// The logarithm of zero: finite, so that differences of two of them are numbers.
const LOG_ZERO = -1e30

function ctcDefinition(node: Node, inputs: readonly (Tensor | null)[]): readonly Tensor[] {
  const [given, targets, inputLengths, targetLengths] = inputs as readonly [Tensor, Tensor, Tensor, Tensor]
  // LOG_ZERO needs float32's range.
  const logProbs = cast(given, 'float32')
  const { blank, zero_infinity } = node.attributes as { blank: number; zero_infinity: number }
  const [B, T, C] = logProbs.shape as [Tensor['shape'][0], Tensor['shape'][0], Tensor['shape'][0]]
  const U = targets.shape[1]!
  const S = addDims(multiplyDims(U, 2), 1)
  const sources = [logProbs, targets]

  // Blanks between and around the labels: [B, S]
  const blanks = fill([B, U, 1], blank, 'int64', sources)
  const pairs = reshapeTo(concat([blanks, unsqueeze(targets, 2)], 2), [B, multiplyDims(U, 2)], sources)
  const states = reshapeTo(concat([pairs, fill([B, 1], blank, 'int64', sources)], 1), [B, S], sources)

  // A label may follow its second predecessor directly unless both are equal or it is blank: 0 or LOG_ZERO, [B, S]
  const twoBack = narrow(concat([fill([B, 2], blank, 'int64', sources), states], 1), 1, 0, -2)
  const skips = logicalAnd(
    logicalNot(equal(states, blank)),
    logicalNot(equal(states, reshapeTo(twoBack, [B, S], sources))),
  )
  const skipPenalty = where(skips, 0, constant(LOG_ZERO))

  // Emissions in scan order: [T, B, S]
  const picked = gatherElements(logProbs, expand(unsqueeze(states, 1), [B, T, S], [logProbs, states]), 2)
  const emissions = transpose(maximum(picked, LOG_ZERO), [1, 0, 2])
  const time = unsqueeze(range(dimTensor(T, sources)), [1, 2])
  const valid = less(time, unsqueeze(inputLengths, [0, 2]))
  const atEnd = equal(time, sub(unsqueeze(inputLengths, [0, 2]), 1))

  const stateIndex = unsqueeze(range(dimTensor(S, [states, ...sources])), 0)
  const lastState = unsqueeze(mul(targetLengths, 2), 1)
  const edge = (width: number) => fill([B, width], LOG_ZERO, 'float32', sources)
  const shiftedRight = (x: Tensor, by: number) => reshapeTo(narrow(concat([edge(by), x], 1), 1, 0, -by), [B, S], [x])
  const shiftedLeft = (x: Tensor, by: number) => reshapeTo(narrow(concat([x, edge(by)], 1), 1, by), [B, S], [x])

  // Before the first frame all mass sits on the first blank.
  const start = where(expand(equal(stateIndex, 0), [B, S], [states]), constant(0), constant(LOG_ZERO))
  const forward = scan({
    states: [start],
    sequences: [emissions, valid],
    step: ([alpha], [emission, isFrame]) => {
      const reached = logSumExpOf([alpha!, shiftedRight(alpha!, 1), add(shiftedRight(alpha!, 2), skipPenalty)])
      const next = where(isFrame!, add(reached, emission!), alpha!)
      return { states: [next], rows: [next] }
    },
  })
  const final = forward.states[0]!
  const endBlank = squeeze(gatherElements(final, lastState, 1), 1)
  const endLabel = squeeze(gatherElements(final, maximum(sub(lastState, 1), constant(0, 'int64')), 1), 1)
  const noLabels = equal(targetLengths, 0)
  // Utterances of no frames match only empty targets, which the start state provides.
  const logLikelihood = logSumExpOf([endBlank, where(noLabels, constant(LOG_ZERO), endLabel)])
  const infeasible = less(logLikelihood, LOG_ZERO / 10)
  const loss = where(
    infeasible,
    zero_infinity ? constant(0) : constant(Number.POSITIVE_INFINITY),
    sub(0, logLikelihood),
  )

  // Backward variables exclude their own frame's emission.
  const isLast = logicalAnd(greaterOrEqual(stateIndex, sub(lastState, 1)), less(stateIndex, add(lastState, 1)))
  const terminal = where(isLast, constant(0), constant(LOG_ZERO))
  const backward = scan({
    states: [fill([B, S], LOG_ZERO, 'float32', [states, ...sources])],
    sequences: [emissions, atEnd],
    reverse: true,
    step: ([ahead], [emission, ends]) => {
      const reached = logSumExpOf([ahead!, shiftedLeft(ahead!, 1), shiftedLeft(add(ahead!, skipPenalty), 2)])
      const beta = where(ends!, terminal, reached)
      return { states: [maximum(add(beta, emission!), LOG_ZERO)], rows: [beta] }
    },
  })
  const posterior = exp(add(add(forward.rows[0]!, backward.rows[0]!), unsqueeze(neg(logLikelihood), [0, 2])))
  const perClass = matMul(transpose(posterior, [1, 0, 2]), oneHot(states, dimTensor(C, sources)))
  const usable = logicalAnd(transpose(valid, [1, 0, 2]), unsqueeze(logicalNot(infeasible), [1, 2]))
  const gradient = where(usable, sub(exp(logProbs), perClass), 0)
  if (zero_infinity) return [cast(loss, given.dtype), cast(gradient, given.dtype)]
  const undefinedRows = logicalAnd(
    greater(unsqueeze(cast(infeasible, 'float32'), [1, 2]), 0),
    transpose(valid, [1, 0, 2]),
  )
  return [cast(loss, given.dtype), cast(where(undefinedRows, constant(Number.NaN), gradient), given.dtype)]
}

/** Inputs of `ctcLoss`. */
export interface CTCLossInputs {
  /** `[B, T, C]` */
  readonly logProbs: Tensor
  /** int64 `[B, U]` */
  readonly targets: Tensor
  /** int64 `[B]`, frames */
  readonly inputLengths: Tensor
  /** int64 `[B]`, labels */
  readonly targetLengths: Tensor
}

/**
 * CTC loss of each utterance, `[B]`; see CTCLoss.
 *
 * @param options.blank - Index of the blank class.
 * @param options.zeroInfinity - Infeasible utterances count 0 instead of infinity. Default false.
 */
export function ctcLoss(inputs: CTCLossInputs, options: { blank: number; zeroInfinity?: boolean }): Tensor {
  const { logProbs, targets, inputLengths, targetLengths } = inputs
  return applyOp(
    CTCLoss,
    [logProbs, targets, inputLengths, targetLengths],
    { blank: options.blank, zero_infinity: options.zeroInfinity ? 1 : 0 },
    2,
  )[0]!
}
