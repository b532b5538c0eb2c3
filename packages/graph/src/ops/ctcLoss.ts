import { addDims, multiplyDims } from '../dim.js'
import { applyOp, defineOp } from '../op.js'
import type { Node, Tensor } from '../tensor.js'
import { add, maximum, mul, sub } from './arithmetic.js'
import { cast } from './cast.js'
import { equal, greater, less, logicalAnd, logicalNot } from './comparison.js'
import { concat } from './concat.js'
import { expand } from './expand.js'
import { exp } from './exponential.js'
import { fill, range } from './fill.js'
import { gather, gatherElements } from './gather.js'
import { constant } from './leaves.js'
import { logSumExpOf } from './logSumExpOf.js'
import { matMul } from './matMul.js'
import { oneHot } from './oneHot.js'
import { reshapeTo, squeeze, unsqueeze } from './reshape.js'
import { scan } from './scan.js'
import { dimTensor } from './shape.js'
import { flip, narrow } from './slice.js'
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

  // Emissions in the loop's order: [T, B, S]
  const picked = gatherElements(logProbs, expand(unsqueeze(states, 1), [B, T, S], [logProbs, states]), 2)
  const emissions = transpose(maximum(picked, LOG_ZERO), [1, 0, 2])
  const valid = less(unsqueeze(range(dimTensor(T, sources)), [1, 2]), unsqueeze(inputLengths, [0, 2]))
  const stateIndex = unsqueeze(range(dimTensor(S, [states, ...sources])), 0)
  const lastState = unsqueeze(mul(targetLengths, 2), 1)

  // The way back is the way there with time and states reversed: it starts at the last blank, and what may be skipped two
  // states ahead was skipped two states behind. So one loop walks both, stacked as [2, B, S]. Padding comes first on the
  // way back, and leaves the start as it is.
  const stacked = (there: Tensor, back: Tensor, axis: number) =>
    concat([unsqueeze(there, axis), unsqueeze(back, axis)], axis)
  const onState = (index: Tensor | number) =>
    where(expand(equal(stateIndex, index), [B, S], [states]), constant(0), constant(LOG_ZERO))
  const skippedAhead = narrow(concat([skipPenalty, fill([B, 2], LOG_ZERO, 'float32', sources)], 1), 1, 2)
  const penalties = stacked(skipPenalty, flip(reshapeTo(skippedAhead, [B, S], [states]), [1]), 0)
  const outside = fill([2, B, 2], LOG_ZERO, 'float32', sources)
  const walk = scan({
    states: [stacked(onState(0), flip(onState(lastState), [1]), 0)],
    sequences: [stacked(emissions, flip(emissions, [0, 2]), 1), stacked(valid, flip(valid, [0]), 1)],
    step: ([mass], [emission, isFrame]) => {
      const margin = concat([outside, mass!], 2)
      const oneBehind = reshapeTo(narrow(margin, 2, 1, -1), [2, B, S], [mass!])
      const twoBehind = reshapeTo(narrow(margin, 2, 0, -2), [2, B, S], [mass!])
      const reached = logSumExpOf([mass!, oneBehind, add(twoBehind, penalties)])
      const next = where(isFrame!, add(reached, emission!), mass!)
      return { states: [next], rows: [next] }
    },
  })
  const way = (x: Tensor, which: 0 | 1, axis: number) => gather(x, constant(which, 'int64'), axis)
  const forward = way(walk.rows[0]!, 0, 1)
  const backward = flip(way(walk.rows[0]!, 1, 1), [0, 2])
  const final = way(walk.states[0]!, 0, 0)
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

  // Both ways count the frame's own emission.
  const twice = add(emissions, unsqueeze(logLikelihood, [0, 2]))
  const posterior = exp(sub(add(forward, backward), twice))
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
