import { decompose } from '../../rewrite/decompose.js'
import { dropExpands } from '../../rewrite/dropExpands.js'
import { mergeSizes } from '../../rewrite/mergeSizes.js'
import { type RewriteRule, rebuild } from '../../rewrite/rebuild.js'
import { combine, simplify } from '../../rewrite/simplify.js'
import type { Tensor } from '../../tensor.js'
import { batchNormTraining } from './lowerings/batchNormTraining.js'
import { depthwiseConv } from './lowerings/depthwiseConv.js'
import { emptyBatch } from './lowerings/emptyBatch.js'
import { equalRank } from './lowerings/equalRank.js'
import { leadingSum } from './lowerings/leadingSum.js'
import { matMulTransposed } from './lowerings/matMulTransposed.js'
import { pointwiseConv } from './lowerings/pointwiseConv.js'
import { reluGradient } from './lowerings/reluGradient.js'

/** What a graph is lowered for. */
export interface LoweringTarget {
  /** False leaves out everything that is not needed to be correct. */
  readonly fast: boolean
  /** Channels in a block of the kernels for blocked data, or 0 without such kernels. */
  readonly nchwcBlock: number
  /** Whether feeds with empty axes must be survived. Default false. */
  readonly emptyAxes?: boolean
  /** Whether parameters are constants, which ONNX Runtime folds, fuses and repacks by itself. */
  readonly frozen: boolean
}

/** Says every op in the words that ONNX Runtime's CPU kernels execute fastest, as measured by tools/bench. */
export function lowerForOrt(outputs: readonly Tensor[], target: LoweringTarget): Tensor[] {
  const defined = simplify(decompose(outputs, combine(definitions(target)), new Set()))
  if (!target.fast) return defined
  const sized = rebuild(defined, { rule: mergeSizes(), enterBodies: false })
  return simplify(rebuild(sized, { rule: combine(target.frozen ? [dropExpands] : [dropExpands, matMulTransposed]) }))
}

// Rules that look at a node and its inputs alone; what they make is lowered in turn.
function definitions({ fast, nchwcBlock, frozen, emptyAxes }: LoweringTarget): RewriteRule[] {
  if (!fast) return emptyAxes ? [batchNormTraining(frozen), emptyBatch] : [batchNormTraining(frozen)]
  return [
    batchNormTraining(frozen),
    ...(nchwcBlock > 0 ? [depthwiseConv(nchwcBlock)] : []),
    ...(frozen ? [] : [pointwiseConv]),
    reluGradient,
    leadingSum,
    equalRank,
  ]
}
